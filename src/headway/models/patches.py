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

        What a patch receives is shared evenly by its steps; a step attends as the patches do, on average, that hold
        it. Rows go on summing to 1.
        """
        if self.length == 1:
            return scores
        holds = np.zeros((self.count, self.steps), np.float32)
        np.put_along_axis(holds, self._members, 1.0, axis=1)
        attending = ops.convert_to_tensor((holds / holds.sum(axis=0)).T)  # [T, P]
        attended = ops.convert_to_tensor(holds / self.length)  # [P, T]
        return ops.matmul(ops.matmul(attending, scores), attended)

    @cached_property
    def _members(self) -> NDArray[np.int64]:
        """Steps of each patch, [P, length]."""
        return self.stride * np.arange(self.count)[:, None] + np.arange(self.length)
