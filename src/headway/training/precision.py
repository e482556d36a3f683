"""What the device is, and the precision that suits it."""

import importlib
import logging
from dataclasses import dataclass

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
    return _jax_device() if keras.backend.backend() == "jax" else _tensorflow_device()


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


def _jax_device() -> Device:
    # Imported by name: jax is there only where it was chosen as the backend.
    jax = importlib.import_module("jax")
    devices = jax.devices()
    if devices[0].platform != "gpu":
        return Device("CPU", (0, 0), 1)
    major, _, minor = str(devices[0].compute_capability).partition(".")
    return Device(devices[0].device_kind, (int(major), int(minor or 0)), len(devices))


def _tensorflow_device() -> Device:
    # Imported here because it imports TensorFlow, which need not be installed.
    from headway.training import tensorflow_backend

    gpu = tensorflow_backend.gpu()
    return Device(**gpu) if gpu else Device("CPU", (0, 0), 1)
