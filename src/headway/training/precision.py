"""What the device is, and the precision that suits it."""

import logging
from dataclasses import dataclass
from typing import Any

import keras

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Device:
    """What training runs on.

    Attributes:
        name: "CPU", or the GPU's name.
        compute_capability: CUDA compute capability, (0, 0) for what is no CUDA GPU.
        count: Devices of that kind.
    """

    name: str
    compute_capability: tuple[int, int]
    count: int

    @property
    def is_gpu(self) -> bool:
        """Whether it is a CUDA GPU."""
        return self.compute_capability > (0, 0)


def device() -> Device:
    """The device that the loaded backend computes on."""
    gpu = _gpu()
    return Device(**gpu) if gpu else Device("CPU", (0, 0), 1)


def precision_for(precision: str, device: Device) -> str:
    """The precision policy by name.

    Args:
        precision: A policy, or "auto": bfloat16 on GPUs of compute capability 8.0 and above, float16
            (loss-scaled) on 7.x, float32 elsewhere.
        device: What training runs on.

    Returns:
        "float32", "mixed_bfloat16" or "mixed_float16".
    """
    if precision != "auto":
        if precision == "mixed_float16" and not device.is_gpu:
            log.warning("training.precision=mixed_float16 on a CPU takes about twice the time of float32")
        return precision
    if device.compute_capability >= (8, 0):
        return "mixed_bfloat16"
    return "mixed_float16" if device.compute_capability >= (7, 0) else "float32"


def _gpu() -> dict[str, Any] | None:
    # Each imports its library, of which the other need not be installed.
    if keras.backend.backend() == "jax":
        from headway.training import jax_backend

        return jax_backend.gpu()
    from headway.training import tensorflow_backend

    return tensorflow_backend.gpu()
