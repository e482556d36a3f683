"""What JAX does of training, named here and in models/products.py alone; imported only where it is Keras's backend."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import keras
import numpy as np
from jax import lax

from headway.training.feed import Executions
from headway.training.resident import ResidentWindows

State = Any  # lists of arrays, as Keras hands them to a step: weights, seeds, moments, sums of metrics


def gpu() -> dict[str, Any] | None:
    """Name, compute capability and number of the GPUs, or None where there is none."""
    devices = jax.devices()
    if devices[0].platform != "gpu":
        return None
    major, _, minor = str(devices[0].compute_capability).partition(".")
    capability = (int(major), int(minor or 0))
    return {"name": devices[0].device_kind, "compute_capability": capability, "count": len(devices)}


def train_function(model: keras.Model, executions: Executions) -> Callable[[State, Any], Any]:
    """What Keras `fit` calls for each execution: its steps in one launch, windows gathered inside it."""
    return _function(model, executions, model.train_step)


def test_function(model: keras.Model, executions: Executions) -> Callable[[State, Any], Any]:
    """The same for Keras `evaluate`."""
    return _function(model, executions, model.test_step)


def build(model: keras.Model, executions: Executions) -> None:
    """Create what Keras would else look into the first element for, and find no windows in it."""
    sample = executions.feed[0]
    model._symbolic_build(data_batch=sample)


def elements(executions: Executions) -> Executions:
    """Executions as Keras takes them: one by one."""
    return executions


def _function(
    model: keras.Model, executions: Executions, step: Callable[[State, Any], Any]
) -> Callable[[State, Any], Any]:
    windows, most = executions.feed.windows, executions.steps
    # An argument and no constant: XLA would fold and print what is written into the program.
    rows = windows.arrays if isinstance(windows, ResidentWindows) else {}

    @partial(jax.jit, donate_argnums=0)
    def several(state: State, rows: Any, element: Any, count: Any) -> Any:
        def body(place: Any, state: State) -> State:
            found = jax.tree.map(lambda array: array[place], element)
            batch = windows.take(rows, *found) if isinstance(windows, ResidentWindows) else found
            return step(state, batch)[1]

        state = lax.fori_loop(0, count, body, state)
        sums = zip(model.metrics_variables, state[-1], strict=True)
        with keras.StatelessScope(state_mapping=[*sums]):
            return model.get_metrics_result(), state

    def function(state: State, iterator: Any) -> Any:
        element = executions.next_of(iterator)
        count = len(jax.tree.leaves(element)[0])
        short = max(most - count, 0) if jax.tree.leaves(element)[0].shape[1] == executions.feed.batch_size else 0
        if short:  # of another length it would be compiled anew
            element = jax.tree.map(lambda array: np.concatenate([array, np.repeat(array[-1:], short, 0)]), element)
        return several(state, rows, element, count)

    return function
