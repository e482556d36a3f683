"""The model group: the one transformer and its sizes."""

from typing import Annotated, Literal

from pydantic import Field, PositiveInt, Strict, model_validator

from headway.config.spec import Spec

Level = Annotated[float, Field(gt=0, lt=1)]


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
        embedding: "linear" maps a time step to d_model; "none" feeds the scaled context as it is.
        position: "learned" adds a vector per time step; "none" does not.
        readout: What the forecast reads of the encoded steps: "all", or the "last" alone, so that
            attention is the only way for the others to be heard.
        head: "quantile" forecasts `quantiles`, never crossing; "point" one value.
        quantiles: Levels in rising order with 0.5 among them.
    """

    attention: Literal["self", "projected", "uniform", "frozen"]
    heads: PositiveInt
    key_dim: PositiveInt | None
    d_model: PositiveInt
    layers: PositiveInt
    feed_forward: PositiveInt
    dropout: float = Field(ge=0, lt=1)
    embedding: Literal["linear", "none"]
    position: Literal["learned", "none"]
    readout: Literal["all", "last"]
    head: Literal["quantile", "point"]
    quantiles: Annotated[tuple[Level, ...], Strict(False)] = Field(min_length=1)

    @property
    def levels(self) -> tuple[float, ...]:
        """Quantile levels that the head forecasts; a point forecast stands for the median."""
        return self.quantiles if self.head == "quantile" else (0.5,)

    @model_validator(mode="after")
    def _sizes_fit(self) -> "ModelSpec":
        if self.key_dim is None and self.d_model % self.heads:
            fitting = [str(heads) for heads in range(1, min(self.d_model, 16) + 1) if self.d_model % heads == 0]
            raise ValueError(
                f"heads must divide d_model: got heads={self.heads}, d_model={self.d_model}. "
                f"Set model.heads to {', '.join(fitting)}, change model.d_model, or give model.key_dim"
            )
        if list(self.quantiles) != sorted(set(self.quantiles)) or 0.5 not in self.quantiles:
            raise ValueError("quantiles must rise and hold 0.5, the point forecast; for example [0.1,0.5,0.9]")
        return self
