"""A plain Keras script on windows gathered beforehand: the strong baseline.

All 18,300 windows lie in memory as two arrays, some seven times the rows; a batch is a gather of shuffled numbers, and 16
steps are one execution. Without the autotuning of `tf.data`, which makes every epoch of this length wait half a second;
`fit` on the arrays themselves has no way to switch it off. A last, smaller batch is trained on as well.
"""

from measure import Clock, begin, matrix_rate, report

asked = begin(__doc__)

import numpy as np
import tensorflow as tf
from keras_model import EPOCHS, PACKAGES, Timed, build, flops_per_window, tensorflow_products
from rows import BATCH, read, windows

STEPS_PER_EXECUTION = 16

clock = Clock(asked.began, asked.seconds)
rate = matrix_rate(tensorflow_products, clock)
series = read(asked.rows)
contexts, targets = (np.concatenate(parts) for parts in zip(*map(windows, series), strict=True))

numbers = tf.data.Dataset.range(len(targets)).shuffle(len(targets), seed=0).batch(BATCH)
where, ahead = tf.constant(contexts), tf.constant(targets)
options = tf.data.Options()
options.autotune.enabled = False
dataset = numbers.map(lambda chosen: (tf.gather(where, chosen), tf.gather(ahead, chosen))).prefetch(2)

model = build(contexts.shape[2])
model.compile(optimizer="adam", loss="mae", steps_per_execution=STEPS_PER_EXECUTION)
model.fit(dataset.with_options(options), epochs=EPOCHS, verbose=0, callbacks=[Timed(clock, len(targets))])
report(
    clock,
    packages=PACKAGES,
    matrix_rate=max(rate, matrix_rate(tensorflow_products)),
    weights=model.count_params(),
    flops_per_window=flops_per_window(contexts.shape[2]),
)
