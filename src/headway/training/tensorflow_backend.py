"""The one module that names TensorFlow; imported only where it is Keras's backend."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

# TensorFlow offers no public way back from enable_op_determinism.
from tensorflow.python.framework import config

from headway.training.feed import Executions
from headway.training.resident import ResidentWindows

_PREFETCHED = 2  # executions gathered ahead of the step, where rows are not on the device


def gpu() -> dict[str, Any] | None:
    """Name, compute capability and number of the GPUs, or None where there is none."""
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return None
    details = tf.config.experimental.get_device_details(gpus[0])
    return {
        "name": details.get("device_name", "GPU"),
        "compute_capability": details.get("compute_capability", (0, 0)),
        "count": len(gpus),
    }


def train_function(model: keras.Model, executions: Executions) -> Callable[[Any], Any]:
    """What Keras `fit` calls for each execution: its steps in one graph, windows gathered inside it."""
    return _function(model, executions, model.train_step, jit=bool(model.jit_compile))


def test_function(model: keras.Model, executions: Executions) -> Callable[[Any], Any]:
    """The same for Keras `evaluate`."""
    return _function(model, executions, model.test_step, jit=bool(model.jit_compile))


def build(model: keras.Model, executions: Executions) -> None:
    """Nothing: TensorFlow's graph creates what is missing when it is first traced."""


def elements(executions: Executions) -> Any:
    """Executions as `tf.data`, without the autotuning that Keras's own wrapper switches on.

    With small steps the autotuner makes the step wait: on one core training took a fifth longer with it
    (benchmarks/throughput.py). The order of every epoch is still the feed's.
    """

    def generate() -> Any:
        for index in range(len(executions)):
            yield executions[index]

    signature = tf.nest.map_structure(
        lambda array: tf.TensorSpec((None, None, *array.shape[2:]), array.dtype), executions[0]
    )
    options = tf.data.Options()
    options.autotune.enabled = False
    dataset = tf.data.Dataset.from_generator(generate, output_signature=signature)
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(len(executions)))
    if not isinstance(executions.feed.windows, ResidentWindows):
        dataset = dataset.prefetch(_PREFETCHED)
    return dataset.with_options(options)


def take_repeatable_operations(only: bool) -> None:
    """Take only operations that give the same bits every time, or all of them again.

    With `only`, TensorFlow leaves out XLA without a word; so the switch must not outlive the training that asked for it.
    """
    if only:
        tf.config.experimental.enable_op_determinism()
    elif config.is_op_determinism_enabled():
        config.disable_op_determinism()


def _function(
    model: keras.Model, executions: Executions, step: Callable[[Any], Any], *, jit: bool
) -> Callable[[Any], Any]:
    windows = executions.feed.windows
    rows = windows.arrays if isinstance(windows, ResidentWindows) else {}

    @tf.autograph.experimental.do_not_convert
    def one(found: Any) -> Any:
        return step(windows.take(rows, *found) if isinstance(windows, ResidentWindows) else found)

    compiled = tf.function(one, reduce_retracing=True, jit_compile=jit)

    @tf.function(reduce_retracing=True)
    @tf.autograph.experimental.do_not_convert
    def several(element: Any) -> Any:
        count = tf.shape(tf.nest.flatten(element)[0])[0]

        def body(place: Any) -> Any:
            compiled(tf.nest.map_structure(lambda array: array[place], element))
            return (place + 1,)

        tf.while_loop(lambda place: place < count, body, (tf.constant(0),), parallel_iterations=1)
        return model.get_metrics_result()

    def function(iterator: Any) -> Any:
        return several(executions.next_of(iterator))

    return function
