"""The one module that names TensorFlow; imported only where it is Keras's backend."""

from typing import Any

import tensorflow as tf

# TensorFlow offers no public way back from enable_op_determinism.
from tensorflow.python.framework import config

from headway.training.feed import Feed

_PREFETCHED = 4  # batches gathered ahead of the step


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


def as_dataset(feed: Feed) -> Any:
    """A feed as `tf.data`, without the autotuning that Keras's own wrapper of a feed switches on.

    With small steps the autotuner makes the step wait: on one core training took a fifth longer with it
    (benchmarks/throughput.py). The order of every epoch is still the feed's.
    """

    def batches() -> Any:
        for index in range(feed.num_batches):
            yield feed[index]

    signature = tf.nest.map_structure(lambda array: tf.TensorSpec((None, *array.shape[1:]), array.dtype), feed[0])
    options = tf.data.Options()
    options.autotune.enabled = False
    dataset = tf.data.Dataset.from_generator(batches, output_signature=signature)
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(feed.num_batches))
    return dataset.prefetch(_PREFETCHED).with_options(options)


def take_repeatable_operations(only: bool) -> None:
    """Take only operations that give the same bits every time, or all of them again.

    With `only`, TensorFlow leaves out XLA without a word; so the switch must not outlive the training that asked for it.
    """
    if only:
        tf.config.experimental.enable_op_determinism()
    elif config.is_op_determinism_enabled():
        config.disable_op_determinism()
