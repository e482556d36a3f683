"""What a level of determinism asks of the backend, and what it says it promises."""

import pytest
import tensorflow as tf
from tensorflow.python.framework import config

from headway.training.determinism import establish


@pytest.fixture(autouse=True)
def restored():
    """No test leaves the switch on."""
    yield
    config.disable_op_determinism()


def test_strict_takes_repeatable_operations_alone_and_what_follows_does_not_inherit_that() -> None:
    assert establish("strict", jit=False).startswith("strict: the same bits")
    assert config.is_op_determinism_enabled()
    values, segments = tf.constant([1.0]), tf.constant([0])
    assert float(tf.math.unsorted_segment_sum(values, segments, 1)[0]) == 1.0
    assert establish("seeded", jit=False).startswith("seeded: ")
    assert not config.is_op_determinism_enabled()


def test_with_jit_the_number_of_threads_is_part_of_the_promise() -> None:
    assert "number of threads" in establish("seeded", jit=True)
    assert "number of threads" not in establish("seeded", jit=False)


def test_off_promises_nothing() -> None:
    assert establish("off", jit=False) == "off: another seed for every training"
