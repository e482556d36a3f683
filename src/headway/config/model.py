"""The model group: the one transformer and its sizes."""

from typing import Annotated, Literal

from pydantic import Field, PositiveInt, Strict, model_validator

from headway.config.spec import Spec

Level = Annotated[float, Field(gt=0, lt=1)]
Size = Annotated[PositiveInt, Field(le=65_536)]
Length = Annotated[PositiveInt, Field(le=100_000)]
# In one network, about: with the optimizer's two numbers for each, in float32, 24 GB.
_MOST_WEIGHTS = 2_000_000_000

_LEVELS = {"last": "last value", "mean": "mean", "standard": "mean and spread"}


class ModelSpec(Spec):
    """A transformer encoder over the context, and a head over the horizon.

    Attributes:
        attention: "self" attends with query = value = key; "projected" puts a dense projection of
            its own before each of them. Two controls have learned nothing of where to look: "uniform" gives
            every step the same weight, "frozen" weights that are drawn once and never change.
        heads: Attention heads per layer.
        key_dim: Size of query and key per head, or None for d_model / heads.
        d_model: Features per time step inside the encoder.
        layers: Encoder blocks.
        feed_forward: Hidden features of the block's feed-forward part.
        dropout: Share of activations dropped in training.
        channels: "mixed" sees all features of a time step together; "separate" forecasts each target from its
            own past alone, by one network for all of them.
        patch_length: Time steps that become one token.
        patch_stride: Steps from the start of one patch to the next; the last patch ends with the context.
        normalisation: "none" sees windows as they are scaled and forecasts the change from the last value;
            "last" and "mean" take each feature's last value or mean in the window from it, "standard" also divides
            by its standard deviation there, and the forecast goes the same way back.
        embedding: "linear" maps a time step to d_model; "none" feeds the scaled context as it is.
        position: "learned" adds a vector per time step; "none" does not.
        decoder: "per_step" meets a summary of what was encoded with what is known of each step ahead; "direct" maps
            the encoded tokens to all steps at once.
        linear_path: Add a linear map, which begins where least squares puts it: of everything that is seen of a window
            where channels are mixed, of each target's own past where they are separate.
        calendar_path: Take from each target, and give back to its forecast, what the calendar alone expects of it.
        readout: What the forecast reads of the encoded steps: "all", or the "last" alone, so that
            attention is the only way for the others to be heard.
        head: "quantile" forecasts `quantiles`, never crossing; "point" one value.
        quantiles: Levels in rising order with 0.5 among them.
    """

    attention: Literal["self", "projected", "uniform", "frozen"]
    heads: Annotated[PositiveInt, Field(le=1024)]
    key_dim: Size | None
    d_model: Size
    layers: Annotated[PositiveInt, Field(le=1000)]
    feed_forward: Annotated[PositiveInt, Field(le=1_000_000)]
    dropout: float = Field(ge=0, lt=1)
    channels: Literal["mixed", "separate"]
    patch_length: Length
    patch_stride: Length
    normalisation: Literal["none", "last", "mean", "standard"]
    embedding: Literal["linear", "none"]
    position: Literal["learned", "none"]
    decoder: Literal["per_step", "direct"]
    linear_path: bool
    calendar_path: bool
    readout: Literal["all", "last"]
    head: Literal["quantile", "point"]
    quantiles: Annotated[tuple[Level, ...], Strict(False)] = Field(min_length=1, max_length=999)

    @property
    def levels(self) -> tuple[float, ...]:
        """Quantile levels that the head forecasts; a point forecast stands for the median."""
        return self.quantiles if self.head == "quantile" else (0.5,)

    @property
    def words(self) -> str:
        """The network in words, for those who review a run; what is not usual is named."""
        parts = [
            f"{self.layers} layer{'s' * (self.layers > 1)}",
            f"{self.heads} head{'s' * (self.heads > 1)}",
            f"d_model {self.d_model}",
            f"{self.attention} attention",
        ]
        if self.patch_length > 1:
            parts.append(f"patches of {self.patch_length} every {self.patch_stride}")
        if self.channels == "separate":
            parts.append("each target from its own past")
        if self.normalisation != "none":
            parts.append(f"windows levelled by their {_LEVELS[self.normalisation]}")
        paths = [name for name, used in (("linear", self.linear_path), ("calendar", self.calendar_path)) if used]
        if paths:
            parts.append(f"{' and '.join(paths)} path beside it")
        reads = {"all": "everything encoded", "last": "the last encoded step"}[self.readout]
        return f"{', '.join(parts)}; a {self.head} forecast reads {reads}"

    @model_validator(mode="after")
    def _sizes_fit(self) -> "ModelSpec":
        if self.key_dim is None and self.d_model % self.heads:
            fitting = [str(heads) for heads in range(1, min(self.d_model, 16) + 1) if self.d_model % heads == 0]
            raise ValueError(
                f"heads must divide d_model: got heads={self.heads}, d_model={self.d_model}. "
                f"Set model.heads to {', '.join(fitting)}, change model.d_model, or give model.key_dim"
            )
        width = self.heads * (self.key_dim or self.d_model // self.heads)
        weights = self.layers * self.d_model * (4 * width + 2 * self.feed_forward)
        if weights > _MOST_WEIGHTS:
            raise ValueError(
                f"these sizes make about {weights:,} weights, and at most {_MOST_WEIGHTS:,} are taken: lower d_model, layers, "
                "feed_forward, heads or key_dim"
            )
        if self.patch_stride > self.patch_length:
            raise ValueError(
                f"patch_stride must not exceed patch_length, or steps between patches would go unseen: "
                f"got {self.patch_stride} and {self.patch_length}"
            )
        if self.embedding == "none" and (self.patch_length > 1 or self.channels == "separate"):
            raise ValueError("embedding=none feeds time steps as they are: it takes patch_length=1 and channels=mixed")
        if list(self.quantiles) != sorted(set(self.quantiles)) or 0.5 not in self.quantiles:
            raise ValueError("quantiles must rise and hold 0.5, the point forecast; for example [0.1,0.5,0.9]")
        return self
