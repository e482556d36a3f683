"""Several trained networks as one forecaster: its quantiles are the means of theirs (deep ensembles).

Lakshminarayanan et al. 2017, "Simple and Scalable Predictive Uncertainty Estimation using Deep Ensembles"; means of
quantiles instead of probabilities: Vincent averaging, which keeps them rising.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras
from keras import KerasTensor, ops

from headway.models.shape import TaskShape
from headway.models.transformer import Inputs, Transformer

if TYPE_CHECKING:
    from headway.config.model import ModelSpec


class Ensemble(keras.Model):
    """Members of one build that were trained from different seeds.

    Args:
        members: At least one network; each has a name of its own.
    """

    def __init__(self, members: Sequence[Transformer]) -> None:
        first = members[0]
        super().__init__(dtype=first.dtype_policy, autocast=False, name="ensemble")
        self.members = list(members)
        self.spec, self.shape = first.spec, first.shape
        self.built = True

    def input_signature(self) -> Inputs:
        """Names, shapes and types of the inputs."""
        return self.members[0].input_signature()

    def call(self, inputs: Inputs, training: bool | None = None) -> KerasTensor:
        """Mean of the members' scaled quantiles, [B, H, targets, Q] float32, rising along Q."""
        return ops.mean(ops.stack([member(inputs, training=training) for member in self.members]), axis=0)

    def attention_scores(self, inputs: Inputs) -> KerasTensor:
        """Softmaxed attention weights, [B, layers, members * N, T, S]: the heads of one member after the other's."""
        return ops.concatenate([member.attention_scores(inputs) for member in self.members], axis=2)


def make(spec: "ModelSpec", shape: TaskShape, *, members: int, dtype: Any = "float32") -> Transformer | Ensemble:
    """An untrained network: one transformer, or an ensemble of several.

    Args:
        spec: Sizes and choices of each network.
        shape: Sizes that data and windows give.
        members: How many.
        dtype: Precision policy.
    """
    if members == 1:
        return Transformer(spec, shape, dtype=dtype)
    return Ensemble([Transformer(spec, shape, dtype=dtype, name=member_name(number)) for number in range(members)])


def member_name(number: int) -> str:
    """Name of a member: weights are stored by their paths, which begin with it."""
    return f"member_{number + 1}"


def members_of(network: Transformer | Ensemble) -> int:
    """How many networks a network is."""
    return len(network.members) if isinstance(network, Ensemble) else 1
