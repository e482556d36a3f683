"""Headway itself, through the code of train.py: csv, windows, model, feed and training as benchmarks/throughput.py does.

The variants are the default network on both backends, and on both the decoder that is closest to the plain Keras model.
A window is one of the feed's; batches of 256, a last, smaller one left out.
"""

import sys

from measure import Clock, begin, matrix_rate, report

VARIANTS = {
    "tensorflow": ("tensorflow", []),
    "jax": ("jax", []),
    "tensorflow-direct": ("tensorflow", ["model.decoder=direct"]),
    "jax-direct": ("jax", ["model.decoder=direct"]),
}
asked = begin(__doc__, variants=tuple(VARIANTS))

import os

import numpy as np  # noqa: F401 - before throughput.py pins itself to one core, so that products use those asked for
from rows import PROJECT

sys.path.append(str(PROJECT / "benchmarks"))
import throughput
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

os.sched_setaffinity(0, asked.cores)
from headway import backend
from headway.config.sweep import TrainCommand
from headway.config.validate import validate

EPOCHS = 100_000  # the clock stops it


clock = Clock(asked.began, asked.seconds)
name, overrides = VARIANTS[asked.variant]
with initialize_config_dir(str(PROJECT / "conf"), version_base="1.3"):
    settings = compose("train", overrides=[*throughput.SETTING, f"backend={name}", *overrides])
config = validate(OmegaConf.to_container(settings, resolve=True), TrainCommand).config
backend.load(config.backend, largest_product=config.largest_product)

from keras_model import Timed, jax_products, tensorflow_products

products = jax_products if name == "jax" else tensorflow_products
rate = matrix_rate(products, clock)
forecaster, feed, _ = throughput.ready(config)
timed = Timed(clock, feed.num_batches * config.training.batch_size)
throughput.fit(forecaster, feed, [timed], epochs=EPOCHS)
report(
    clock,
    packages=("headway", "keras", name, "numpy"),
    matrix_rate=max(rate, matrix_rate(products)),
    weights=forecaster.network.count_params(),
    flops_per_window=throughput.flops_per_window(config),
)
