"""A plain Keras model of the same sizes, its matrix products, and what measures a Keras training."""

import keras
from measure import Clock
from rows import CONTEXT, HORIZON

D_MODEL, HEADS, FEED_FORWARD = 64, 4, 128
PACKAGES = ("keras", "tensorflow", "numpy")
EPOCHS = 100_000  # the clock stops it


def build(features: int) -> keras.Model:
    """One encoder block as in the Keras guides, and one linear map to the six steps ahead."""
    inputs = keras.Input((CONTEXT, features))
    x = keras.layers.Dense(D_MODEL)(inputs)
    x = x + keras.layers.Embedding(CONTEXT, D_MODEL)(keras.ops.arange(CONTEXT))
    attended = keras.layers.MultiHeadAttention(num_heads=HEADS, key_dim=D_MODEL // HEADS)(x, x)
    x = keras.layers.LayerNormalization(epsilon=1e-6)(x + attended)
    hidden = keras.layers.Dense(FEED_FORWARD, activation="relu")(x)
    x = keras.layers.LayerNormalization(epsilon=1e-6)(x + keras.layers.Dense(D_MODEL)(hidden))
    return keras.Model(inputs, keras.layers.Dense(HORIZON)(keras.layers.Flatten()(x)))


def flops_per_window(features: int) -> int:
    """Arithmetic of the matrix products of training on one window: forward, and twice that backward."""
    embedding = CONTEXT * features * D_MODEL
    projections = 4 * CONTEXT * D_MODEL * D_MODEL  # query, key, value, output
    attention = 2 * CONTEXT * CONTEXT * D_MODEL  # weights, and what they gather
    feed_forward = 2 * CONTEXT * D_MODEL * FEED_FORWARD
    head = CONTEXT * D_MODEL * HORIZON
    return 3 * 2 * (embedding + projections + attention + feed_forward + head)


class Timed(keras.callbacks.Callback):
    """Tells a clock of the first step, and of every epoch: there Keras waits for the numbers of all steps.

    Args:
        clock: To be told.
        windows: Of an epoch.
    """

    def __init__(self, clock: Clock, windows: int) -> None:
        super().__init__()
        self.clock, self.windows = clock, windows

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        if not self.clock.first_step:
            float(logs["loss"])  # JAX returns before it has computed
            self.clock.stepped()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        float(logs["loss"])
        self.model.stop_training = self.clock.mark((epoch + 1) * self.windows)


def tensorflow_products(left, right, times: int):
    """What multiplies two arrays so often in one graph."""
    import tensorflow as tf

    @tf.function
    def chain(x, y):
        for _ in tf.range(times):
            x = tf.matmul(x, y)
        return x

    x, y = tf.constant(left), tf.constant(right)
    return lambda: chain(x, y).numpy()


def jax_products(left, right, times: int):
    """What multiplies two arrays so often in one compiled function."""
    import jax

    chain = jax.jit(lambda x, y: jax.lax.fori_loop(0, times, lambda _, value: value @ y, x))
    return lambda: chain(left, right).block_until_ready()
