"""How a model is fed: executions of several steps, handed to Keras `fit` and `evaluate` in place of its own."""

from typing import Any, Self

import keras

from headway.training.feed import Feed


class Fed:
    """A context in which Keras trains and validates a model by executions of feeds, each one call of the backend.

    Args:
        model: A compiled model.
        train, validation: The feeds, where there is one.
        steps: Per execution of training; validation takes one at a time.

    Attributes:
        train, validation: What `fit` and `evaluate` are given.
    """

    def __init__(
        self, model: keras.Model, *, train: Feed | None = None, validation: Feed | None = None, steps: int = 1
    ) -> None:
        self._model = model
        self._train = None if train is None else train.executions(steps)
        self._validation = None if validation is None else validation.executions(1)
        self.train: Any = None
        self.validation: Any = None

    def __enter__(self) -> Self:
        """Put the executions in place."""
        backend = _backend()
        model, train, validation = self._model, self._train, self._validation
        backend.build(model, train or validation)
        if train is not None:
            self.train, model.train_function = backend.elements(train), backend.train_function(model, train)
        if validation is not None:
            self.validation = backend.elements(validation)
            model.test_function = backend.test_function(model, validation)
        return self

    def __exit__(self, *_: object) -> None:
        """Give Keras its own back: what it is called with next is no execution."""
        self._model.train_function = self._model.test_function = None


def _backend() -> Any:
    # Each imports its library, of which the other need not be installed.
    if keras.backend.backend() == "jax":
        from headway.training import jax_backend

        return jax_backend
    from headway.training import tensorflow_backend

    return tensorflow_backend
