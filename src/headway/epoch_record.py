"""What a run keeps of every epoch: its metrics, and what the network attends to."""

import io
import math
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from headway import files
from headway.attention import heads, maps
from headway.config.train import TrainConfig
from headway.data import batches
from headway.errors import StoredRunError
from headway.forecaster import Forecaster
from headway.report.attention import attention_epoch
from headway.report.drawing import Drawing
from headway.report.png import png
from headway.task import Task
from headway.tracking import Run
from headway.tracking.folder import image_name
from headway.training.checkpoint import FOLDER

_MOST_PICTURES = 20  # the UI's slider stays usable
_KEY = "attention/all_heads"


class EpochRecord:
    """Metrics of every epoch, and what the network attends to on the same probe windows.

    The maps are kept beside the checkpoints, so that a process that goes on with the run finds those of earlier epochs,
    and draws those that an end came before.

    Args:
        run: Where they are kept.
        config: How many epochs, and how many probe windows.
        task: Whose validation windows are probed.
        drawing: Draws the maps while training goes on; None draws each at once.
    """

    def __init__(self, run: Run, config: TrainConfig, task: Task, *, drawing: Drawing | None = None) -> None:
        index = task.windows["validation"]
        numbers = batches.evenly_spaced(index, config.evaluation.attention_windows)
        self._run, self._probes = run, batches.gather(task.rows, index, numbers).inputs
        self._every = math.ceil(config.training.epochs * config.training.ensemble / _MOST_PICTURES)
        self._folder = run.folder / FOLDER / "attention_maps"
        self._clock, self._drawing = task.dataset.clock.step, drawing
        self._drawn: list[tuple[int, Future[bytes]]] = []  # epoch and picture, not logged yet
        for path in self._kept():
            if not (run.folder / image_name(_KEY, int(path.stem))).exists():
                self._draw(_map(path), int(path.stem))

    def __call__(self, forecaster: Forecaster, epochs: int, metrics: Mapping[str, float]) -> None:
        """Keep the metrics of the last of `epochs` epochs; before the first there are none."""
        for path in self._kept():
            if int(path.stem) > epochs:  # of a training that went back, or that another process does again
                path.unlink()
        if metrics:
            self._run.log_metrics(metrics, step=epochs)
        if not epochs or (epochs - 1) % self._every == 0:
            scores = forecaster.attention_scores(self._probes)
            by_layer = enumerate(heads.entropy(scores).mean(axis=1), start=1)
            self._run.log_metrics(
                {f"attention/entropy_l{layer}": float(f"{value:.6g}") for layer, value in by_layer}, step=epochs
            )
            mean = maps.mean_map(scores)
            self._keep(mean, epochs)
            self._draw(mean, epochs)
        self._log_pictures()

    def finish(self) -> None:
        """Wait for the pictures that are still being drawn, and log them."""
        if self._drawing is not None:
            self._drawing.wait()
        self._log_pictures()

    def maps(self) -> dict[int, NDArray[np.float32]]:
        """Epoch -> mean attention scores of the probe windows [layers, N, T, S], for epochs that were drawn."""
        return {int(path.stem): _map(path) for path in self._kept()}

    def _draw(self, mean: NDArray[np.float32], epochs: int) -> None:
        def drawn() -> bytes:
            return png(attention_epoch(mean, epoch=epochs, clock=self._clock))

        if self._drawing is None:
            self._run.log_image(drawn(), key=_KEY, step=epochs)
        else:
            self._drawn.append((epochs, self._drawing.submit(drawn)))

    def _log_pictures(self) -> None:
        # Here, in training's own thread: the lists of a run are written by one.
        while self._drawn and self._drawn[0][1].done():
            epochs, picture = self._drawn.pop(0)
            self._run.log_image(picture.result(), key=_KEY, step=epochs)

    def _kept(self) -> list[Path]:
        return sorted(self._folder.glob("?????.npy"))

    def _keep(self, mean: NDArray[np.float32], epochs: int) -> None:
        content = io.BytesIO()
        np.save(content, mean, allow_pickle=False)
        self._folder.mkdir(parents=True, exist_ok=True)
        files.write(self._folder / f"{epochs:05d}.npy", content.getvalue())


def _map(path: Path) -> NDArray[np.float32]:
    try:
        found: NDArray[np.float32] = np.load(path, allow_pickle=False)
        return found
    except (ValueError, EOFError) as error:
        raise StoredRunError(f"{path}: not a map of attention; begin another run with resume=off: {error}") from None
