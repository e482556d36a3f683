"""How fast training is on the device at hand, by precision, compilation, batch size and width.

    python benchmarks/gpu.py                                  everything: about 10 minutes on a GPU
    python benchmarks/gpu.py --batches 256 4096 --widths 64   a part of it
    KERAS_BACKEND=jax python benchmarks/gpu.py                on JAX; TensorFlow need not be installed

One encoder block of 4 heads on windows of 6 steps to 6 steps of 8 features, fed as train.py feeds it: the series on the
device, a batch as integers, an epoch in one launch where the backend allows it. Beside each speed stand its share of the
device's rate at large matrix products of the same precision, measured in the same run, the memory at its peak, and the
loss after the same number of steps on the same windows: a faster setting that learns nothing would show there.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import time
from pathlib import Path
from types import SimpleNamespace

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

import keras
import numpy as np
from keras import ops

from headway.models.shape import TaskShape
from headway.models.transformer import Transformer
from headway.training import losses
from headway.training.feed import Feed
from headway.training.fit import compile_model, run_epochs
from headway.training.precision import device
from headway.training.resident import ResidentRows, ResidentWindows

CONTEXT, HORIZON, FEATURES, CALENDAR, ROWS = 6, 6, 8, 4, 1_000_000
LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9)
STEPS = 64  # of an epoch, in one execution
PRECISIONS = {"float32": "float32", "mixed_bfloat16": "bfloat16", "mixed_float16": "float16"}
PRODUCT = 4096  # rows, columns and inner size of the products that measure the device's rate


def main() -> None:
    """Measure every case, print a line each, and a table that can be pasted into docs/performance.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--precisions", nargs="+", default=[*PRECISIONS], choices=[*PRECISIONS])
    parser.add_argument("--jit", nargs="+", default=["off", "on"], choices=["off", "on"])
    parser.add_argument("--batches", nargs="+", type=int, default=[256, 1024, 4096, 16_384, 65_536])
    parser.add_argument("--widths", nargs="+", type=int, default=[8, 32, 64, 128, 512])
    parser.add_argument("--epochs", type=int, default=4, help="timed, after one that compiles")
    parser.add_argument("--product", type=int, default=PRODUCT, help="size of the products that measure the rate")
    parser.add_argument("--out", type=Path, help="a json with everything")
    asked = parser.parse_args()
    backend = keras.backend.backend()
    # Without XLA JAX runs every operation by itself, hundreds of times slower: nobody trains so.
    jits = ["on"] if backend == "jax" else asked.jit
    print(
        f"{device().name}, {backend}, keras {keras.__version__}, Python {platform.python_version()}, {time.strftime('%Y-%m-%d')}"
    )
    windows = series()
    rates = {precision: matrix_rate(PRECISIONS[precision], asked.product) for precision in asked.precisions}
    for precision, rate in rates.items():
        print(f"products of {asked.product} in {PRECISIONS[precision]}: {rate / 1e12:.2f} TFLOP/s", flush=True)
    found = []
    print("\n| precision | jit | d_model | batch | windows/s | share of the rate | memory, MB | loss after 64 steps |")
    print("|---|---|---|---|---|---|---|---|")
    for width in asked.widths:
        for batch in asked.batches:
            for precision in asked.precisions:
                for jit in jits:
                    case = {"precision": precision, "jit": jit, "d_model": width, "batch": batch}
                    try:
                        case |= measure(windows, precision, jit == "on", width, batch, epochs=asked.epochs)
                    except Exception as error:
                        print(f"| {precision} | {jit} | {width} | {batch} | {type(error).__name__} | | | |", flush=True)
                        found.append({**case, "error": f"{type(error).__name__}: {error}"[:500]})
                        continue
                    case["share"] = case["windows_per_second"] * flops(width) / rates[precision]
                    found.append(case)
                    print(
                        f"| {precision} | {jit} | {width} | {batch:,} | {case['windows_per_second']:,.0f} | "
                        f"{case['share']:.1%} | {case['megabytes']:,.0f} | {case['loss']:.4f} |",
                        flush=True,
                    )
    if asked.out:
        about = {"device": device().name, "backend": backend, "keras": keras.__version__, "rates": rates}
        asked.out.write_text(json.dumps({**about, "cases": found}, indent=1))


def series() -> ResidentWindows:
    """Waves and noise, a million rows, on the device."""
    generator = np.random.default_rng(0)
    time_of = np.arange(ROWS)[:, None]
    waves = np.sin(2 * np.pi * time_of / generator.uniform(12, 400, FEATURES)) + 0.3 * generator.standard_normal(
        (ROWS, FEATURES)
    )
    calendar = np.sin(2 * np.pi * time_of / np.array([24.0, 12.0, 168.0, 84.0]))
    rows = ResidentRows(
        values=waves.astype("float32"),
        observed=np.ones((ROWS, FEATURES), "float32"),
        known_future=calendar.astype("float32"),
        series=np.zeros(ROWS, "int32"),
    )
    return ResidentWindows(
        rows, targets=(0,), context_length=CONTEXT, horizon=HORIZON, first_rows=lambda numbers: numbers
    )


def measure(
    windows: ResidentWindows, precision: str, jit: bool, width: int, batch: int, *, epochs: int
) -> dict[str, float]:
    """Windows a second, peak memory so far, and the loss after the first epoch."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(0)
    count = batch * STEPS
    order = np.random.default_rng(1).integers(0, ROWS - CONTEXT - HORIZON, count)
    feed = Feed(windows, lambda epoch: order, batch_size=batch, drop_last=True)
    network = Transformer(model_spec(width), shape(), dtype=precision)
    spec = training_spec(jit)
    compile_model(network, spec, loss=losses.loss_for("pinball", LEVELS), metrics=[], steps_per_epoch=STEPS)
    clock = Clock()
    run_epochs(network, feed, steps=STEPS, epochs=1 + epochs, callbacks=[clock])
    return {
        "windows_per_second": count / statistics.median(clock.seconds[1:]),
        "megabytes": peak_memory() / 1e6,
        "loss": clock.losses[0],
    }


class Clock(keras.callbacks.Callback):
    """Seconds and loss of every epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []
        self.losses: list[float] = []

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self.began = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self.losses.append(float(logs["loss"]))  # asks the device, and so waits for it
        self.seconds.append(time.perf_counter() - self.began)


def model_spec(width: int) -> SimpleNamespace:
    """A network as conf/model/transformer.yaml describes it."""
    return SimpleNamespace(
        attention="self", heads=4, key_dim=None, d_model=width, layers=1, feed_forward=2 * width, dropout=0.0,
        channels="mixed", patch_length=1, patch_stride=1, normalisation="none", embedding="linear", position="learned",
        decoder="per_step", linear_path=False, calendar_path=False, readout="all", levels=LEVELS,
    )  # fmt: skip


def training_spec(jit: bool) -> SimpleNamespace:
    """Steps as conf/training/default.yaml describes them."""
    return SimpleNamespace(
        optimizer="adamw", learning_rate=0.002, schedule="constant", warmup=0.0, weight_decay=0.01, gradient_clip=1.0,
        ema=0.0, epochs=1, jit=jit, loss_scale=32768.0,
    )  # fmt: skip


def shape() -> TaskShape:
    """What the windows give."""
    return TaskShape(CONTEXT, HORIZON, FEATURES, (0,), CALENDAR, 1)


def flops(width: int) -> float:
    """Arithmetic of the matrix products of training on one window: forward, and twice that backward."""
    hidden = 2 * width
    embedding = CONTEXT * (2 * FEATURES + CALENDAR) * width
    block = 4 * CONTEXT * width**2 + 2 * CONTEXT**2 * width + 2 * CONTEXT * width * hidden
    decoder = CONTEXT * width * hidden + HORIZON * (CALENDAR * hidden + hidden**2 + hidden * len(LEVELS))
    return 3 * 2 * (embedding + block + decoder)


def matrix_rate(dtype: str, size: int) -> float:
    """Floating-point operations a second of large products in a precision: the best of five, after one that compiles."""
    generator = np.random.default_rng(0)
    left, right = (ops.cast(generator.standard_normal((size, size), "float32"), dtype) for _ in range(2))

    def products(x: object, y: object) -> object:
        scale = ops.cast(1 / np.sqrt(size), dtype)
        return ops.sum(ops.cast(ops.fori_loop(0, 8, lambda _, value: ops.matmul(value, y) * scale, x), "float32"))

    if keras.backend.backend() == "jax":
        import jax

        products = jax.jit(products)
    else:
        import tensorflow as tf

        products = tf.function(products)
    seconds = []
    for _ in range(6):
        began = time.perf_counter()
        ops.convert_to_numpy(products(left, right))
        seconds.append(time.perf_counter() - began)
    return 8 * 2 * size**3 / min(seconds[1:])


def peak_memory() -> float:
    """Bytes of the device at their peak since the process began; of the process where the device is a CPU."""
    if device().is_gpu and keras.backend.backend() == "jax":
        import jax

        return float(jax.devices()[0].memory_stats()["peak_bytes_in_use"])
    if device().is_gpu:
        import tensorflow as tf

        return float(tf.config.experimental.get_memory_info("GPU:0")["peak"])
    import resource

    return 1024.0 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    main()
