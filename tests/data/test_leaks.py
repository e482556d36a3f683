"""Nothing that comes later changes what came before: files are perturbed, read, and compared bit by bit."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from headway.data import batches
from headway.data.scaling import Scaler, fit_scalers
from headway.data.series import Dataset
from headway.data.splits import SPLITS, split
from headway.data.windows import WindowIndex, index_windows

ROWS = 101  # per series, and two hours more on the clock
POLICIES = ["+dataset.plausible.y=[-50,200]", "+dataset.max_jump.y=9", "+dataset.max_jump.x=4"]
PERTURBATIONS: dict[str, Callable[[int], tuple[object, object]]] = {
    "other values": lambda row: (row % 13, row % 3),
    "missing": lambda row: ("", ""),
    "absurd": lambda row: (1e9, -1e9),
    "jumps": lambda row: (60 * (row % 2), 40 * (row % 3)),
    "a level that moves": lambda row: (150, 30),
}

Table = list[list[Any]]


class Prepared(NamedTuple):
    dataset: Dataset
    scaler: Scaler
    windows: dict[str, WindowIndex]
    train: batches.Batch


def prepared(dataset: Dataset) -> Prepared:
    borders = split(dataset, train=0.7, validation=0.1, test=0.2)
    windows = {name: index_windows(dataset, borders, name, context_length=5, horizon=3) for name in SPLITS}
    scaler, known_scaler = fit_scalers(dataset, borders)
    rows = batches.scale_rows(dataset, scaler, known_scaler, {"day": 2})
    return Prepared(dataset, scaler, windows, batches.gather(rows, windows["train"], np.arange(len(windows["train"]))))


@pytest.fixture
def table() -> Table:
    """Two series with gaps, jumps and missing values in their past."""
    generator, rows = np.random.default_rng(11), []
    for name in ("north", "south"):
        for row in range(ROWS):
            time = np.datetime64("2024-01-01T00", "h") + row + (row > 17) * 2
            value = 20 + 3 * np.sin(row / 4) + generator.normal() + 50 * (row in (23, 24, 41))
            rows.append([time, "" if row in (5, 6, 31) else f"{value:.3f}", int(generator.integers(0, 5)), name])
    return rows


def load(read: Callable[..., Dataset], write_csv: Callable[..., Path], rows: Table) -> Dataset:
    return read(write_csv([["time", "y", "x", "name"], *rows]), "dataset.series=name", *POLICIES)


def perturbed(rows: Table, change: Callable[[int], tuple[object, object]], *, after: int) -> Table:
    return [
        [row[0], *change(number % ROWS), row[3]] if number % ROWS >= after else row for number, row in enumerate(rows)
    ]


def arrays(batch: batches.Batch) -> list[NDArray[Any]]:
    return [*batch.inputs.values(), batch.target, batch.target_observed]


@pytest.mark.parametrize("change", PERTURBATIONS.values(), ids=PERTURBATIONS)
def test_rows_after_the_training_border_change_nothing_in_training(
    read: Callable[..., Dataset], write_csv: Callable[..., Path], table: Table, change: Any
) -> None:
    plain = load(read, write_csv, table)
    border = split(plain, train=0.7, validation=0.1, test=0.2)[0]["train"][1]
    expected, found = prepared(plain), prepared(load(read, write_csv, perturbed(table, change, after=border - 2)))
    assert expected.scaler.mean.tobytes() == found.scaler.mean.tobytes()
    assert expected.scaler.scale.tobytes() == found.scaler.scale.tobytes()
    assert len(expected.windows["train"]) == len(found.windows["train"]) > 100
    for one, other in zip(arrays(expected.train), arrays(found.train), strict=True):
        assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize("change", PERTURBATIONS.values(), ids=PERTURBATIONS)
@pytest.mark.parametrize("origin", [22, 23, 40, 73, 97])
def test_rows_after_an_origin_do_not_move_its_context(
    read: Callable[..., Dataset], write_csv: Callable[..., Path], table: Table, change: Any, origin: int
) -> None:
    plain = load(read, write_csv, table)
    found = load(read, write_csv, perturbed(table, change, after=origin - 2 + 1))
    for one, other in zip(plain.series, found.series, strict=True):
        np.testing.assert_array_equal(one.values[: origin + 1], other.values[: origin + 1])
        assert (one.timestamps == other.timestamps).all()
    changed = [
        (one.values[origin + 1 :], other.values[origin + 1 :])
        for one, other in zip(plain.series, found.series, strict=True)
    ]
    assert not all(np.array_equal(one, other, equal_nan=True) for one, other in changed)


@pytest.mark.parametrize("order", ["reversed series", "rows in turn"])
def test_the_order_of_series_in_the_file_does_not_change_their_windows(
    read: Callable[..., Dataset], write_csv: Callable[..., Path], table: Table, order: str
) -> None:
    north, south = table[:ROWS], table[ROWS:]
    mixed = (
        south + north
        if order == "reversed series"
        else [row for pair in zip(south, north, strict=True) for row in pair]
    )
    expected, found = prepared(load(read, write_csv, table)), prepared(load(read, write_csv, mixed))
    np.testing.assert_allclose(expected.scaler.mean, found.scaler.mean)
    for name in SPLITS:
        numbers = np.arange(len(expected.windows[name]))
        one, other = (batches.gather_raw(each.dataset, each.windows[name], numbers) for each in (expected, found))
        pasts = [
            batches.gather_history(each.dataset, each.windows[name], numbers, length=7) for each in (expected, found)
        ]
        for number, twin in enumerate((1, 0)):
            np.testing.assert_array_equal(pasts[0][one.series == number], pasts[1][other.series == twin])
            for attribute in ("values", "target", "origins"):
                np.testing.assert_array_equal(
                    getattr(one, attribute)[one.series == number], getattr(other, attribute)[other.series == twin]
                )
