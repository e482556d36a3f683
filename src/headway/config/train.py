"""The whole configuration of train.py, and the relations between its groups."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from headway.config.benchmark import BenchmarkSpec
from headway.config.dataset import DatasetSpec
from headway.config.evaluation import EvaluationSpec
from headway.config.model import ModelSpec
from headway.config.spec import Spec
from headway.config.tracking import TrackingSpec
from headway.config.training import TrainingSpec
from headway.config.windows import SplitsSpec, WindowsSpec

Backend = Literal["auto", "tensorflow", "jax"]
_SOME_TARGETS = 8


class TrainConfig(Spec):
    """Everything that decides a run.

    Attributes:
        seed: The one seed; every random draw derives from it.
        evaluate: Score the test split when training ends.
        backend: What Keras computes with; "auto" is KERAS_BACKEND, or TensorFlow.
    """

    seed: Annotated[int, Field(ge=0, le=2**32 - 1)]
    evaluate: bool
    backend: Backend
    dataset: DatasetSpec
    splits: SplitsSpec
    windows: WindowsSpec
    model: ModelSpec
    training: TrainingSpec
    tracking: TrackingSpec
    evaluation: EvaluationSpec
    benchmark: BenchmarkSpec

    @property
    def loss(self) -> str:
        """The loss by name, with "auto" resolved by the head."""
        if self.training.loss != "auto":
            return self.training.loss
        return "pinball" if self.model.head == "quantile" else "mae"

    @property
    def criterion(self) -> Literal["mae", "mse"]:
        """The validation error that trials and runs are chosen by: of the median in the targets' own units, or of
        the mean on scaled values, where that is what is trained for.
        """
        return "mse" if self.loss == "mse" else "mae"

    @property
    def largest_product(self) -> int:
        """Multiplications of the largest matrix product in an encoder block, in a step, about."""
        model, length = self.model, self.model.patch_length
        tokens = (self.windows.context_length - length) // model.patch_stride + 1
        if model.channels == "separate":  # how many all columns are is not known before they are read
            tokens *= len(self.dataset.targets or ()) or _SOME_TARGETS
        heads = model.heads * (model.key_dim or model.d_model // model.heads)
        return self.training.batch_size * tokens * model.d_model * max(3 * heads, model.feed_forward)

    @model_validator(mode="after")
    def _groups_agree(self) -> "TrainConfig":
        if (self.loss == "pinball") != (self.model.head == "quantile"):
            raise ValueError(
                f"training.loss={self.loss} does not fit model.head={self.model.head}: "
                "the quantile head takes pinball, the point head mae or mse"
            )
        steps, length, stride = self.windows.context_length, self.model.patch_length, self.model.patch_stride
        if length > steps or (steps - length) % stride:
            raise ValueError(
                f"patches must fill the context: got model.patch_length={length} and model.patch_stride={stride} for "
                f"windows.context_length={steps}; the stride must divide context_length - patch_length"
            )
        if self.training.determinism == "strict" and self.training.jit:
            raise ValueError(
                "training.determinism=strict does not fit training.jit=true: under strict operations nothing is compiled "
                "with XLA; set training.jit=false or training.determinism=seeded"
            )
        if self.training.determinism == "strict" and self.backend == "jax":
            raise ValueError(
                "training.determinism=strict does not fit backend=jax, which compiles every step with XLA; "
                "set backend=tensorflow or training.determinism=seeded"
            )
        features, targets = self.dataset.features, self.dataset.targets
        if self.model.embedding == "none" and features is not None and targets is not None:
            width = len(set(features) | set(targets))
            if width != self.model.d_model:
                raise ValueError(
                    f"model.embedding=none needs model.d_model={width}, the number of features; got {self.model.d_model}"
                )
        rows = [self.splits.train - self.splits.purge, self.splits.validation - self.splits.purge, self.splits.test]
        needed = [self.windows.context_length + self.windows.horizon, self.windows.horizon, self.windows.horizon]
        for name, have, need in zip(("train", "validation", "test"), rows, needed, strict=True):
            if isinstance(self.splits.train, int) and have < need:
                raise ValueError(
                    f"splits.{name} has {have} rows but a window needs {need}; lower windows.horizon or enlarge the split"
                )
        return self
