"""Patches: stretches of neighbouring time steps that become one token each (Nie et al. 2023, PatchTST)."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from keras import KerasTensor, ops
from numpy.typing import NDArray


@dataclass(frozen=True)
class Patches:
    """How a context is cut into tokens; the last patch ends at the last step.

    Attributes:
        steps: Time steps T of the context.
        length: Steps per patch.
        stride: Steps from the start of one patch to the next; patches overlap where it is below `length`.

    Raises:
        ValueError: If the patches do not fill the context exactly.
    """

    steps: int
    length: int = 1
    stride: int = 1

    def __post_init__(self) -> None:
        if self.length > self.steps or self.stride > self.length or (self.steps - self.length) % self.stride:
            raise ValueError(
                f"Patches must fill the context: got length {self.length} and stride {self.stride} for {self.steps} steps. "
                "Choose a length up to the context's, a stride up to the length, and a stride that divides context minus length."
            )

    @property
    def count(self) -> int:
        """Number P of patches."""
        return (self.steps - self.length) // self.stride + 1

    def cut(self, x: KerasTensor) -> KerasTensor:
        """The values of each patch side by side, [B, T, F] -> [B, P, length * F]."""
        if self.length == 1:
            return x
        features = x.shape[-1]
        patches = ops.take(x, self._members, axis=1)  # [B, P, length, F]
        return ops.reshape(patches, (-1, self.count, self.length * features))

    def ends(self, x: KerasTensor) -> KerasTensor:
        """The last step of each patch, [B, T, C] -> [B, P, C]."""
        return x if self.length == 1 else x[:, self.length - 1 :: self.stride]

    def by_step(self, scores: KerasTensor) -> KerasTensor:
        """Attention between patches told as attention between steps, [..., P, P] -> [..., T, T].

        A step attends as the patches that hold it do on average, and receives what they receive on average, rescaled
        so that rows sum to 1: patches that are attended to alike are steps that are attended to alike, however many
        patches hold each.
        """
        if self.length == 1:
            return scores
        holds = np.zeros((self.count, self.steps), np.float32)
        np.put_along_axis(holds, self._members, 1.0, axis=1)
        mean = ops.convert_to_tensor(holds / holds.sum(axis=0))  # [P, T]
        by_step = ops.matmul(ops.matmul(ops.transpose(mean), scores), mean)
        return by_step / ops.sum(by_step, axis=-1, keepdims=True)

    @cached_property
    def _members(self) -> NDArray[np.int64]:
        """Steps of each patch, [P, length]."""
        return self.stride * np.arange(self.count)[:, None] + np.arange(self.length)
