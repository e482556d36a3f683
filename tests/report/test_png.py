"""Figures as bytes, and no trace of them left behind."""

import struct
import subprocess
import sys

import numpy as np
import pytest

from headway.report.attention import attention_epoch
from headway.report.png import png

HOUR = np.timedelta64(1, "h")
EVERYTHING = """
import sys
import numpy as np
from headway.report import attention, forecasts, png, skill, training
png.png(attention.attention_epoch(np.ones((1, 2, 3, 3)) / 3, epoch=1, clock=np.timedelta64(1, "h")))
png.png(training.learning_curves({"loss": [2.0, 1.0]}, best_epoch=2))
heavy = {"matplotlib.pyplot", "pandas", "keras", "tensorflow", "mlflow"} & set(sys.modules)
sys.exit(", ".join(sorted(heavy)) or None)
"""


def size(image: bytes) -> tuple[int, ...]:
    """Width and height from the header chunk, PNG specification section 11.2.2."""
    return struct.unpack(">II", image[16:24])


@pytest.mark.parametrize(("dpi", "pixels"), [(None, 768), (64, 256), (97, 388)])
def test_png_gives_png_bytes_of_the_expected_size(dpi: float | None, pixels: int) -> None:
    image = png(attention_epoch(np.full((1, 2, 5, 5), 0.2), clock=HOUR), dpi=dpi)
    assert image.startswith(b"\x89PNG\r\n\x1a\n")
    assert size(image) == (pixels, pixels)


def test_the_same_arrays_give_the_same_bytes() -> None:
    scores = np.random.default_rng(3).dirichlet(np.ones(5), size=(2, 3, 5))
    one, other = (png(attention_epoch(scores, clock=HOUR)) for _ in range(2))
    assert one == other


def test_no_picture_loads_pyplot_or_another_heavy_library() -> None:
    done = subprocess.run([sys.executable, "-c", EVERYTHING], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
