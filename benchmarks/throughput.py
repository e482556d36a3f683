"""How many windows a second training takes on one core, and what share of the core's matrix rate that is.

    python benchmarks/throughput.py                      the default backend
    KERAS_BACKEND=jax python benchmarks/throughput.py    on JAX
    python benchmarks/throughput.py model.d_model=8      any override of train.py
    python benchmarks/throughput.py attention            the same with and without the attention maps of every epoch

The setting: windows of 6 hours to 6 hours of the eight features of nyc_weather, batch 256, one encoder
block of d_model 64 with 4 heads and a feed-forward part of 128, float32. Everything runs pinned to one
core, the model through the same code as in train.py. The matrix rate is measured in the same run, as the
best of NumPy and the backend on products of the model's own size, 1536 x 64 x 64. Close other programs.
"""

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

# Before anything asks how many cores there are.
os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})

import numpy as np
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from headway import backend
from headway.config.model import ModelSpec
from headway.config.sweep import TrainCommand
from headway.config.train import TrainConfig
from headway.config.validate import validate

PROJECT = Path(__file__).resolve().parent.parent
SETTING = ["model.d_model=64", "model.heads=4", "model.feed_forward=128", "training.precision=float32"]
EPOCHS = 9
STEPS = 16  # an execution, as training.steps_per_execution=null takes on a CPU
WARM_UP = 2  # epochs left out: compilation, and threads that start
PRODUCT = (1536, 64, 64)  # rows x inner x columns: 256 windows of 6 steps, d_model 64
PRODUCTS = 2000


def main(overrides: list[str]) -> None:
    """Measure, and print a table."""
    maps = overrides[:1] == ["attention"]
    overrides = overrides[maps:]
    with initialize_config_dir(str(PROJECT / "conf"), version_base="1.3"):
        settings = compose("train", overrides=[*SETTING, *overrides])
    config = validate(OmegaConf.to_container(settings, resolve=True), TrainCommand).config
    name = backend.load(config.backend, largest_product=config.largest_product)
    if maps:
        print_cost_of_maps(config)
        return
    rate_before = matrix_rate()
    wall, cpu = windows_per_second(config)
    rate = max(rate_before, matrix_rate())
    work = flops_per_window(config)
    print(f"backend {name}, one core, batch {config.training.batch_size}, d_model {config.model.d_model}")
    print(f"matrix rate of the core           {rate / 1e9:8.1f} GFLOP/s at {' x '.join(map(str, PRODUCT))}")
    print(f"arithmetic of training a window   {work / 1e6:8.2f} MFLOP")
    print(f"limit by arithmetic               {rate / work:8,.0f} windows/s")
    print(f"training, wall                    {wall:8,.0f} windows/s   {wall * work / rate:.1%} of the matrix rate")
    print(f"training, CPU time                {cpu:8,.0f} windows/s   {cpu * work / rate:.1%} of the matrix rate")


def windows_per_second(config: TrainConfig) -> tuple[float, float]:
    """Training windows per second of wall and of CPU time: medians over epochs."""
    forecaster, feed, _ = ready(config)
    clock = EpochClock()
    fit(forecaster, feed, [clock.callback()], epochs=EPOCHS)
    seen = feed.num_batches * config.training.batch_size
    return seen / statistics.median(clock.wall[WARM_UP:]), seen / statistics.median(clock.cpu[WARM_UP:])


def print_cost_of_maps(config: TrainConfig) -> None:
    """Train with the maps of every second epoch drawn and kept as in train.py, and compare the epochs."""
    import keras

    from headway import tracking
    from headway.epoch_record import EpochRecord

    forecaster, feed, task = ready(config)
    clock, drawn = EpochClock(), []

    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        off = config.tracking.model_copy(update={"kind": "off"})
        with tracking.start(off, name="benchmark", comparable="") as run:
            record = EpochRecord(run, config, task)

            def draw(epoch: int, logs: dict | None) -> None:
                if epoch % 2:
                    began = time.perf_counter()
                    record(forecaster, epoch, {"train/loss": 0.0})
                    drawn.append(time.perf_counter() - began)

            maps = keras.callbacks.LambdaCallback(on_epoch_end=draw)
            fit(forecaster, feed, [clock.callback(), maps], epochs=WARM_UP + 2 * EPOCHS)
    seen = feed.num_batches * config.training.batch_size
    # The epoch after a drawn one would show if drawing left anything behind that slows the steps.
    after = [seconds for epoch, seconds in enumerate(clock.wall) if epoch > WARM_UP and not epoch % 2]
    others = [seconds for epoch, seconds in enumerate(clock.wall) if epoch > WARM_UP and epoch % 2]
    with_maps, without = seen / statistics.median(after), seen / statistics.median(others)
    print(f"steps right after maps were drawn {with_maps:8,.0f} windows/s")
    print(f"steps after an epoch without      {without:8,.0f} windows/s   ratio {with_maps / without:.3f}")
    print(
        f"drawing and keeping the maps      {1000 * statistics.median(drawn[1:]):8,.0f} ms an epoch, outside the steps"
    )


def ready(config: TrainConfig, dataset=None, *, most: int | None = None):
    """A forecaster whose network is compiled, its feed of at most so many windows an epoch, and its task."""
    import keras

    from headway.data import sources
    from headway.feeds import training_feed
    from headway.fitting import untrained
    from headway.models.transformer import Transformer
    from headway.task import prepare
    from headway.training import losses
    from headway.training.fit import compile_model

    dataset = dataset or sources.read(config.dataset, project=PROJECT)
    task = prepare(dataset, dataset_spec=config.dataset, splits=config.splits, windows=config.windows)
    feed = training_feed(task, seed=config.seed, batch_size=config.training.batch_size, most=most)
    keras.utils.set_random_seed(config.seed)
    network = Transformer(config.model, task.shape, dtype=config.training.precision)
    loss = losses.loss_for(config.loss, config.model.levels)
    compile_model(network, config.training, loss=loss, metrics=[], steps_per_epoch=feed.num_batches)
    return untrained(network, task), feed, task


def fit(forecaster, feed, callbacks: list, *, epochs: int) -> None:
    """Steps and nothing else: no validation."""
    from headway.training.fit import run_epochs

    run_epochs(forecaster.network, feed, steps=STEPS, epochs=epochs, callbacks=callbacks)


class EpochClock:
    """Wall and CPU seconds of every epoch."""

    def __init__(self) -> None:
        self.wall: list[float] = []
        self.cpu: list[float] = []

    def callback(self) -> object:
        """A Keras callback that fills the lists."""
        import keras

        def begin(epoch: int, logs: dict | None) -> None:
            self.began = time.perf_counter(), time.process_time()

        def end(epoch: int, logs: dict | None) -> None:
            self.wall.append(time.perf_counter() - self.began[0])
            self.cpu.append(time.process_time() - self.began[1])

        return keras.callbacks.LambdaCallback(on_epoch_begin=begin, on_epoch_end=end)


def matrix_rate() -> float:
    """Floating-point operations per second of matrix products: the best of NumPy and the backend."""
    rows, inner, columns = PRODUCT
    generator = np.random.default_rng(0)
    left = generator.standard_normal((rows, inner), np.float32)
    right = generator.standard_normal((inner, columns), np.float32) / np.float32(np.sqrt(inner))
    return max(_rate(lambda: _numpy_products(left, right)), _rate(_backend_products(left, right)))


def flops_per_window(config: TrainConfig) -> float:
    """Arithmetic of the matrix products of training on one window: forward, and twice that backward."""
    spec, windows = config.model, config.windows
    features, calendar = 8, 2 * sum(config.dataset.calendar.values())
    steps, horizon, width, levels = windows.context_length, windows.horizon, spec.d_model, len(spec.levels)
    hidden = 2 * width
    embedding = steps * (2 * features + calendar) * width
    decoder = steps * width * horizon * levels
    if spec.decoder == "per_step":
        decoder = steps * width * hidden + horizon * (calendar * hidden + hidden * hidden + hidden * levels)
    return 3 * 2 * (embedding + spec.layers * _block(spec, steps) + decoder)


def _block(spec: ModelSpec, steps: int) -> int:
    """Multiplications of one encoder block."""
    heads_width = spec.heads * (spec.key_dim or spec.d_model // spec.heads)
    projections = 4 * steps * spec.d_model * heads_width
    return projections + 2 * steps * steps * heads_width + 2 * steps * spec.d_model * spec.feed_forward


def _numpy_products(left: np.ndarray, right: np.ndarray) -> None:
    out = np.empty((PRODUCT[0], PRODUCT[2]), np.float32)
    for _ in range(PRODUCTS):
        np.matmul(left, right, out=out)


def _backend_products(left: np.ndarray, right: np.ndarray):
    """A compiled chain of products on the backend that Keras loaded."""
    import keras

    def chain(x, y):
        return keras.ops.fori_loop(0, PRODUCTS, lambda _, value: keras.ops.matmul(value, y), x)

    if keras.backend.backend() == "jax":
        import jax

        chain = jax.jit(chain)
    else:
        import tensorflow as tf

        chain = tf.function(chain)
    x, y = keras.ops.convert_to_tensor(left), keras.ops.convert_to_tensor(right)
    return lambda: keras.ops.convert_to_numpy(chain(x, y))


def _rate(products) -> float:
    products()
    seconds = []
    for _ in range(5):
        began = time.perf_counter()
        products()
        seconds.append(time.perf_counter() - began)
    rows, inner, columns = PRODUCT
    return 2 * rows * inner * columns * PRODUCTS / min(seconds)


if __name__ == "__main__":
    main(sys.argv[1:])
