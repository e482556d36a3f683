"""neuralforecast's VanillaTransformer and PatchTST: both see the past of temp alone.

A step cuts the series of its batch into all their windows and draws 256 of them. With the three series as they are it
would cut 18,300 windows to draw 256, and every step would be an epoch with what Lightning does around one. So each
series is handed over in pieces that overlap by a window less a row, and a batch is a few pieces: the same windows, each
once, and steps that cut little more than they train on.
"""

from measure import Clock, begin, matrix_rate, report

MODELS = ("VanillaTransformer", "PatchTST")
asked = begin(__doc__, variants=MODELS)

import pandas as pd
import torch
from neuralforecast import NeuralForecast
from neuralforecast.losses.pytorch import MAE
from neuralforecast.models import PatchTST, VanillaTransformer
from pytorch_lightning import Callback
from rows import BATCH, CONTEXT, HORIZON, TARGET, read
from torch_training import STEPS, TRAINER, WARM_UP, Timed, products

WINDOWS_A_PIECE = 100
PIECES = 3  # of a step: 300 windows, of which 256 are drawn

torch.set_num_threads(len(asked.cores))


class TimedCallback(Timed, Callback):
    """For the Lightning that neuralforecast uses."""


def pieces() -> pd.DataFrame:
    """The rows as neuralforecast takes them, each window in one piece."""
    parts = []
    for name, rows in enumerate(read(asked.rows)):
        for first in range(0, len(rows) - CONTEXT - HORIZON + 1, WINDOWS_A_PIECE):
            part = rows[first : first + WINDOWS_A_PIECE + CONTEXT + HORIZON - 1, TARGET]
            times = pd.date_range("2013-01-01", periods=len(part), freq="h")
            parts.append(pd.DataFrame({"unique_id": f"{name}-{first:05}", "ds": times, "y": part}))
    return pd.concat(parts, ignore_index=True)


clock = Clock(asked.began, asked.seconds, WARM_UP)
rate = matrix_rate(products, clock)
timed = TimedCallback(clock)
common = {
    "h": HORIZON,
    "input_size": CONTEXT,
    "hidden_size": 64,
    "dropout": 0.0,
    "encoder_layers": 1,
    "loss": MAE(),
    "max_steps": STEPS,
    "batch_size": PIECES,
    "windows_batch_size": BATCH,
    "drop_last_loader": True,
    "optimizer": torch.optim.Adam,
    "optimizer_kwargs": {"fused": True},
    "callbacks": [timed],
    **TRAINER,
}
if asked.variant == "VanillaTransformer":
    model = VanillaTransformer(n_head=4, conv_hidden_size=128, decoder_layers=1, **common)
else:
    # A patch is a row, as in the other models; padding at the end makes them seven.
    model = PatchTST(n_heads=4, linear_hidden_size=128, fc_dropout=0.0, patch_len=1, stride=1, **common)
NeuralForecast(models=[model], freq="h").fit(pieces(), val_size=0)
report(
    clock,
    packages=("neuralforecast", "torch", "pytorch-lightning", "numpy"),
    matrix_rate=max(rate, matrix_rate(products)),
    weights=timed.weights,
    flops_per_window=timed.flops_per_window,
)
