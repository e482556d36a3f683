"""pytorch-forecasting's TemporalFusionTransformer: all eight features as unknown in advance, and the relative time.

A window is a sample of its data set; batches of 256, a last, smaller one left out.
"""

from measure import Clock, begin, matrix_rate, report

asked = begin(__doc__)

import numpy as np
import pandas as pd
import torch
from lightning.pytorch import Callback, Trainer
from pytorch_forecasting import TemporalFusionTransformer, TimeSeriesDataSet
from pytorch_forecasting.data import TorchNormalizer
from pytorch_forecasting.metrics import QuantileLoss
from rows import BATCH, CONTEXT, HORIZON, TARGET, read
from torch_training import STEPS, TRAINER, WARM_UP, Timed, loading, products

QUANTILES = [0.1, 0.25, 0.5, 0.75, 0.9]

torch.set_num_threads(len(asked.cores))


class TimedCallback(Timed, Callback):
    """For the Lightning that pytorch-forecasting uses."""


clock = Clock(asked.began, asked.seconds, WARM_UP)
rate = matrix_rate(products, clock)
timed = TimedCallback(clock)
series = read(asked.rows)
features = [f"feature_{number}" for number in range(series[0].shape[1])]
frame = pd.concat(
    [
        pd.DataFrame(rows, columns=features).assign(time=np.arange(len(rows)), series=str(n))
        for n, rows in enumerate(series)
    ]
)
dataset = TimeSeriesDataSet(
    frame.reset_index(drop=True),
    time_idx="time",
    target=features[TARGET],
    group_ids=["series"],
    min_encoder_length=CONTEXT,
    max_encoder_length=CONTEXT,
    min_prediction_length=HORIZON,
    max_prediction_length=HORIZON,
    time_varying_unknown_reals=features,
    add_relative_time_idx=True,  # without anything known of the steps ahead its decoder has no input
    target_normalizer=TorchNormalizer(method="identity"),  # the rows are scaled
)
model = TemporalFusionTransformer.from_dataset(
    dataset,
    hidden_size=64,
    attention_head_size=4,
    lstm_layers=1,
    dropout=0.0,
    loss=QuantileLoss(QUANTILES),
    output_size=len(QUANTILES),
    logging_metrics=torch.nn.ModuleList(),
    optimizer="adam",
    optimizer_params={"fused": True},
)
loader = dataset.to_dataloader(train=True, batch_size=BATCH, **loading(asked.workers))
Trainer(max_steps=STEPS, callbacks=[timed], **TRAINER).fit(model, train_dataloaders=loader)
report(
    clock,
    packages=("pytorch-forecasting", "torch", "lightning", "numpy"),
    matrix_rate=max(rate, matrix_rate(products)),
    weights=timed.weights,
    flops_per_window=timed.flops_per_window,
)
