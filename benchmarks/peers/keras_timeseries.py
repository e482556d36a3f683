"""A plain Keras script as its guide on weather writes it: `timeseries_dataset_from_array`, then `fit`.

The function pairs a context with one row of targets; here that row holds the six steps ahead, stacked beforehand. One
data set per series, one after another, so that no window crosses a border. A last, smaller batch is trained on as well.
"""

from measure import Clock, begin, matrix_rate, report

asked = begin(__doc__)

import keras
from keras_model import EPOCHS, PACKAGES, Timed, build, flops_per_window, tensorflow_products
from rows import BATCH, CONTEXT, HORIZON, read, windows

clock = Clock(asked.began, asked.seconds)
rate = matrix_rate(tensorflow_products, clock)
series = read(asked.rows)
dataset, count = None, 0
for rows in series:
    _, targets = windows(rows)
    one = keras.utils.timeseries_dataset_from_array(
        rows[:-HORIZON], targets, sequence_length=CONTEXT, batch_size=BATCH, shuffle=True, seed=0
    )
    dataset = one if dataset is None else dataset.concatenate(one)
    count += len(targets)

model = build(series[0].shape[1])
model.compile(optimizer="adam", loss="mae")
model.fit(dataset, epochs=EPOCHS, verbose=0, callbacks=[Timed(clock, count)])
report(
    clock,
    packages=PACKAGES,
    matrix_rate=max(rate, matrix_rate(tensorflow_products)),
    weights=model.count_params(),
    flops_per_window=flops_per_window(series[0].shape[1]),
)
