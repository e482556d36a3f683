"""darts' `TransformerModel`: temp as target, the seven other features as past covariates.

A window is a sample of its training set; batches of 256, a last, smaller one left out.
"""

from measure import Clock, begin, matrix_rate, report

asked = begin(__doc__)

import pandas as pd
import torch
from darts import TimeSeries
from darts.models import TransformerModel
from pytorch_lightning import Callback
from rows import BATCH, CONTEXT, HORIZON, TARGET, read
from torch_training import TRAINER, WARM_UP, Timed, loading, products

torch.set_num_threads(len(asked.cores))


class TimedCallback(Timed, Callback):
    """For the Lightning that darts uses."""


clock = Clock(asked.began, asked.seconds, WARM_UP)
rate = matrix_rate(products, clock)
timed = TimedCallback(clock)
targets, covariates = [], []
for rows in read(asked.rows):
    times = pd.date_range("2013-01-01", periods=len(rows), freq="h")
    others = [column for column in range(rows.shape[1]) if column != TARGET]
    targets.append(TimeSeries.from_times_and_values(times, rows[:, [TARGET]]))
    covariates.append(TimeSeries.from_times_and_values(times, rows[:, others]))

model = TransformerModel(
    input_chunk_length=CONTEXT,
    output_chunk_length=HORIZON,
    d_model=64,
    nhead=4,
    num_encoder_layers=1,
    num_decoder_layers=1,
    dim_feedforward=128,
    dropout=0.0,
    batch_size=BATCH,
    n_epochs=100_000,
    loss_fn=torch.nn.L1Loss(),
    optimizer_kwargs={"fused": True},
    random_state=0,
    pl_trainer_kwargs={**TRAINER, "callbacks": [timed]},
)
model.fit(targets, past_covariates=covariates, dataloader_kwargs={"drop_last": True, **loading(asked.workers)})
report(
    clock,
    packages=("darts", "torch", "pytorch-lightning", "numpy"),
    matrix_rate=max(rate, matrix_rate(products)),
    weights=timed.weights,
    flops_per_window=timed.flops_per_window,
)
