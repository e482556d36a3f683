"""What Keras computes with: decided before Keras is imported, because it reads it once."""

import importlib.util
import os

from headway.errors import ConfigError


def choose(backend: str) -> str:
    """Set KERAS_BACKEND from the configuration.

    Args:
        backend: "tensorflow", "jax", or "auto" for KERAS_BACKEND's own value, else TensorFlow.

    Returns:
        The backend that Keras will load.

    Raises:
        ConfigError: If KERAS_BACKEND says otherwise, or the backend is not installed.
    """
    environment = os.environ.get("KERAS_BACKEND", "")
    if backend != "auto" and environment not in ("", backend):
        raise ConfigError(f"backend={backend}: KERAS_BACKEND={environment} says otherwise; unset one of the two")
    chosen = backend if backend != "auto" else environment or "tensorflow"
    if chosen not in ("tensorflow", "jax"):
        raise ConfigError(f"KERAS_BACKEND={chosen}: expected tensorflow or jax")
    if importlib.util.find_spec(chosen) is None:
        raise ConfigError(
            f"backend={chosen}: {chosen} is not installed; run pip install -e '.[jax]' or choose the other backend"
        )
    os.environ["KERAS_BACKEND"] = chosen
    # TensorFlow's notes on its own start-up would bury ours.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    return chosen
