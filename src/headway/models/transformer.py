"""The transformer: tokens of the context, encoder blocks, a head over the horizon, short ways beside them."""

from typing import TYPE_CHECKING, Any, NamedTuple

import keras
from keras import KerasTensor, ops

from headway.models import channels
from headway.models.decoder import HorizonDecoder
from headway.models.embedding import EMBEDDING, POSITION
from headway.models.encoder import EncoderBlock
from headway.models.head import DirectHead, Quantiles, StepHead
from headway.models.layer_norm import LayerNorm
from headway.models.normalisation import levelled
from headway.models.patches import Patches
from headway.models.paths import CalendarPath, LinearPath, OwnLinearPath
from headway.models.shape import TaskShape

if TYPE_CHECKING:
    from headway.config.model import ModelSpec

Inputs = dict[str, KerasTensor]


class View(NamedTuple):
    """A window less what the calendar path expects, in a level of its own.

    Attributes:
        inputs: As for a network, with another context.
        level: [B, 1, targets, 1] what a forecast is a change from.
        spread: [B, 1, targets, 1] units of that change, or None for 1.
        expected: [B, H, targets] what the calendar path expects of the steps ahead, or None without one.
    """

    inputs: Inputs
    level: KerasTensor
    spread: KerasTensor | None
    expected: KerasTensor | None


class Transformer(keras.Model):
    """An attention-based forecaster of scaled quantiles.

    Args:
        spec: Sizes and choices of the network.
        shape: Sizes that data and windows give.
        dtype: Precision policy; set on the model itself, so that mixed_float16 is loss-scaled.
    """

    def __init__(
        self, spec: "ModelSpec", shape: TaskShape, *, dtype: Any = "float32", name: str = "transformer"
    ) -> None:
        # Without autocast the context arrives in float32: a half-precision last value would shift the forecast.
        super().__init__(dtype=dtype, autocast=False, name=name)
        self.spec, self.shape = spec, shape
        policy, levels = self.dtype_policy, spec.levels
        # With channels of their own, the network below sees windows of one target each.
        self.seen = channels.apart(shape) if spec.channels == "separate" else shape
        self.patches = Patches(shape.context_length, spec.patch_length, spec.patch_stride)
        self.embedding = EMBEDDING[spec.embedding](
            d_model=spec.d_model, num_series=self.seen.num_series, patches=self.patches, dtype=policy
        )
        self.position = POSITION[spec.position](dtype=policy, name="position")
        self.blocks = [
            EncoderBlock(
                attention=spec.attention,
                heads=spec.heads,
                key_dim=spec.key_dim or spec.d_model // spec.heads,
                feed_forward=spec.feed_forward,
                dropout=spec.dropout,
                dtype=policy,
                name=f"block_{number}",
            )
            for number in range(1, spec.layers + 1)
        ]
        self.norm = LayerNorm(epsilon=1e-6, dtype=policy, name="norm")
        targets = len(self.seen.targets)
        self.decoder: HorizonDecoder | None = None
        self.head: StepHead | DirectHead
        if spec.decoder == "per_step":
            self.decoder = HorizonDecoder(
                hidden=2 * spec.d_model, horizon=shape.horizon, readout=spec.readout, dtype=policy
            )
            self.head = StepHead(targets=targets, levels=levels)
        else:
            self.head = DirectHead(
                targets=targets, levels=levels, horizon=shape.horizon, dropout=spec.dropout, readout=spec.readout
            )
        self.quantiles = Quantiles(levels.index(0.5))
        self.linear_path: LinearPath | OwnLinearPath | None = None
        if spec.linear_path:
            self.linear_path = (
                OwnLinearPath(shape.horizon)
                if spec.channels == "separate"
                else LinearPath(shape.horizon, targets=targets, num_series=shape.num_series)
            )
        self.calendar_path = CalendarPath(len(shape.targets)) if spec.calendar_path else None
        self.build({name: tensor.shape for name, tensor in self.input_signature().items()})

    def input_signature(self) -> dict[str, KerasTensor]:
        """Names, shapes and types of the inputs; see `call`."""
        return signature(self.shape)

    def build(self, input_shape: dict[str, tuple[Any, ...]]) -> None:
        """Create all weights; they have the same paths in every process."""
        seen = {name: tensor.shape for name, tensor in signature(self.seen).items()}
        self.embedding.build(seen)
        tokens = (None, self.patches.count, self.spec.d_model)
        for layer in (self.position, *self.blocks, self.norm):
            layer.build(tokens)
        if self.decoder is not None:
            self.decoder.build(tokens, seen["known_future"])
            self.head.build((None, self.shape.horizon, self.decoder.summary.units))
        else:
            self.head.build(tokens)
        if isinstance(self.linear_path, OwnLinearPath):
            self.linear_path.build((None, self.shape.context_length, len(self.shape.targets)))
        elif self.linear_path is not None:
            self.linear_path.build(input_shape["context"], input_shape["known_future"])
        if self.calendar_path is not None:
            self.calendar_path.build(input_shape["known_future"])
        self.built = True

    def call(self, inputs: Inputs, training: bool | None = None) -> KerasTensor:
        """Forecast scaled quantiles.

        Args:
            inputs: "context" and "observed" [B, T, F], "known_future" [B, T+H, C], "series" [B].
            training: Whether dropout is active.

        Returns:
            [B, H, targets, Q] float32, rising along Q.
        """
        targets = self.shape.targets
        view = self.view(inputs)
        seen = self._seen(view.inputs)
        x = self.position(self.embedding(seen))  # [B, T, F] -> [B, P, D]
        for block in self.blocks:
            x = block(x, training=training)
        x = self.norm(x)
        if self.decoder is not None:
            raw = self.head(self.decoder(x, seen["known_future"]))  # [B, P, D] -> [B, H, targets, Q]
        else:
            raw = self.head(x, training=training)
        if self.spec.channels == "separate":
            raw = channels.together(raw, len(targets))
        change = self.quantiles(raw)
        if isinstance(self.linear_path, OwnLinearPath):
            change = change + self.linear_path(ops.take(view.inputs["context"], list(targets), axis=-1))
        elif self.linear_path is not None:
            change = change + self.linear_path(view.inputs)
        if view.spread is not None:
            change = change * view.spread
        forecast = view.level + change
        return forecast if view.expected is None else forecast + ops.expand_dims(view.expected, -1)

    def attention_scores(self, inputs: Inputs) -> KerasTensor:
        """Softmaxed attention weights of a forecast, in a pass of their own, told by time step.

        Args:
            inputs: As for `call`.

        Returns:
            [B, layers, N, T, S] float32; every row over S sums to 1. With separate channels it is the mean over
            targets.
        """
        x = self.position(self.embedding(self._seen(self.view(inputs).inputs)))
        scores = []
        for block in self.blocks:
            x, weights = block.with_scores(x)
            scores.append(ops.cast(weights, "float32"))
        found = ops.stack(scores, axis=1)  # [B, layers, N, P, P]
        if self.spec.channels == "separate":
            found = channels.mean(found, len(self.shape.targets))
        return self.patches.by_step(found)

    def view(self, inputs: Inputs) -> View:
        """What of a window the encoder and the linear path see, and the way back to scaled values."""
        inputs, expected = self._without_calendar(inputs)
        window = levelled(
            inputs["context"], inputs["observed"], targets=self.shape.targets, kind=self.spec.normalisation
        )
        return View({**inputs, "context": window.context}, window.level, window.spread, expected)

    def _without_calendar(self, inputs: Inputs) -> tuple[Inputs, KerasTensor | None]:
        """The context less what the calendar path expects, and what it expects of the horizon [B, H, targets]."""
        if self.calendar_path is None:
            return inputs, None
        steps, columns = self.shape.context_length, list(self.shape.targets)
        expected = self.calendar_path(inputs["known_future"])
        # One row per target, so that the product puts each in its column: [targets, F].
        place = ops.one_hot(ops.convert_to_tensor(columns), self.shape.num_features)
        usual = ops.matmul(expected[:, :steps], place) * ops.cast(inputs["observed"], "float32")
        return {**inputs, "context": ops.cast(inputs["context"], "float32") - usual}, expected[:, steps:]

    def _seen(self, inputs: Inputs) -> Inputs:
        return channels.separated(inputs, self.shape) if self.spec.channels == "separate" else inputs


def signature(shape: TaskShape) -> Inputs:
    """Names, shapes and types of the inputs of a network for a task."""
    context = (None, shape.context_length, shape.num_features)
    known = (None, shape.context_length + shape.horizon, shape.num_known_future)
    return {
        "context": KerasTensor(context, "float32"),
        "observed": KerasTensor(context, "float32"),
        "known_future": KerasTensor(known, "float32"),
        "series": KerasTensor((None,), "int32"),
    }
