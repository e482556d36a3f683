"""What Keras computes with: decided before Keras is imported, because it reads it once."""

import gc
import importlib
import importlib.util
import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from headway.errors import ConfigError

_WORTH_SPLITTING = 50_000_000  # multiplications; half a millisecond of one core
_LONG = 600.0  # seconds of training; below them what another backend saves is lost in its longer start


def load(backend: str, *, threads: int | None = None, largest_product: int | None = None) -> str:
    """Choose Keras's backend and import it.

    Args:
        backend: "tensorflow", "jax", or "auto" for KERAS_BACKEND's own value, else TensorFlow.
        threads: Threads of each operation, where this process loads Keras first; None leaves the choice to it.
        largest_product: Multiplications of the largest matrix product of a training. Below what a thread does in less time
            than it takes to wake another, TensorFlow gets one for each operation, unless the environment says otherwise.

    Returns:
        The backend that Keras loaded.

    Raises:
        ConfigError: If KERAS_BACKEND says otherwise, the backend is not installed, or this process
            has loaded Keras with another one.
    """
    environment = os.environ.get("KERAS_BACKEND", "")
    if backend != "auto" and environment not in ("", backend):
        raise ConfigError(f"backend={backend}: KERAS_BACKEND={environment} says otherwise; unset one of the two")
    chosen = backend if backend != "auto" else environment or "tensorflow"
    if chosen not in ("tensorflow", "jax"):
        raise ConfigError(f"KERAS_BACKEND={chosen}: expected tensorflow or jax")
    if importlib.util.find_spec(chosen) is None:
        install = (
            "pip install -e '.[jax]'" if chosen == "jax" else "pip install -e . installs it, backend=jax does without"
        )
        raise ConfigError(f"backend={chosen}: {chosen} is not installed; {install}")
    os.environ["KERAS_BACKEND"] = chosen
    if "keras" not in sys.modules:  # read once, when TensorFlow starts its device and when NumPy's libraries are loaded
        if threads is not None:
            for variable in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"):
                os.environ[variable] = str(threads)
        elif largest_product is not None and largest_product < _WORTH_SPLITTING:
            os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # TensorFlow's own notes would bury ours
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # as would its advice on tracing, one a trained network
    loaded = _start_quietly()
    if loaded != chosen:
        raise ConfigError(f"backend={chosen}: this process has loaded Keras with {loaded}; start a new one")
    return chosen


def loaded() -> str:
    """The backend that Keras has in this process."""
    return str(importlib.import_module("keras").backend.backend())


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy and Keras, as Keras does it; but where JAX computes, TensorFlow is not loaded to be seeded too.

    Its import takes as long as all else up to the first step, and nothing would draw from it.
    """
    keras = importlib.import_module("keras")
    hidden = loaded() == "jax" and "tensorflow" not in sys.modules
    if hidden:
        sys.modules["tensorflow"] = None  # type: ignore[assignment]  # for Python's import: there is none
    try:
        keras.utils.set_random_seed(seed)
    finally:
        if hidden:
            del sys.modules["tensorflow"]


def hint(chosen: str, *, seconds: float, on_cpu: bool) -> str | None:
    """What to try next time where training took long and another backend has been faster, or None.

    Args:
        chosen: The backend.
        seconds: That training took.
        on_cpu: Whether it ran on one; nothing was measured on a GPU.
    """
    if chosen != "tensorflow" or not on_cpu or seconds < _LONG:
        return None
    return (
        f"training took {seconds / 60:.0f} minutes; backend=jax has been faster on CPUs (docs/performance.md): with and "
        "without KERAS_BACKEND=jax, python benchmarks/throughput.py tells for this one"
    )


def _start_quietly() -> str:
    """Import Keras and start its device, without what TensorFlow prints then whatever its log level is.

    It goes straight to file descriptor 2. If the start fails it is shown after all.

    Returns:
        The backend that Keras has.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as notes:
        os.dup2(notes.fileno(), 2)
        try:
            with _uncollected():
                keras = importlib.import_module("keras")
                keras.ops.zeros(())  # the first tensor looks for devices
            return str(keras.backend.backend())
        except BaseException:
            notes.seek(0)
            os.write(kept, notes.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Look for no garbage while Keras is imported, and never among what that leaves.

    It makes half a million objects that stay, and looking through them again and again takes a fifth of the import's time.
    """
    if "keras" in sys.modules or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
