"""How much of a training is the same when it is done again, and what that costs."""

import keras

from headway.errors import ConfigError

_WORDS = {
    "off": "another seed for every training",
    "seeded": "the same on the same machine and versions{jit}; on a GPU to rounding",
    "strict": "the same bits on the same kind of machine and the same versions; nothing is compiled with XLA, and GPU "
    "operations without a repeatable form fail",
}


def establish(level: str, *, jit: bool) -> str:
    """Let the backend compute as a level of determinism asks for.

    Args:
        level: "off", "seeded" or "strict".
        jit: Whether steps are compiled with XLA.

    Returns:
        What holds now, in words.

    Raises:
        ConfigError: The backend cannot do that.
    """
    backend = keras.backend.backend()
    if backend == "tensorflow":
        # Imported here because it imports TensorFlow, which need not be installed.
        from headway.training import tensorflow_backend

        tensorflow_backend.take_repeatable_operations(level == "strict")
    elif level == "strict":
        raise ConfigError(
            f"training.determinism=strict does not fit KERAS_BACKEND={backend}, which compiles every step with XLA; "
            "set backend=tensorflow or training.determinism=seeded"
        )
    compiled = " with the same number of threads" if jit or backend == "jax" else ""
    return f"{level}: {_WORDS[level].format(jit=compiled)}"
