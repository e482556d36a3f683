"""A sample of the windows, and rows that stay in a store: audited as they are trained on, or refused in a line."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headway.audit import Audit
from headway.audit.reconstruction import sample
from headway.config.train import TrainConfig
from headway.data import batches, sources, windows
from headway.data.order import spread
from headway.data.series import Dataset
from headway.errors import DataError
from headway.models.transformer import Transformer

Audited = Callable[..., Audit]
Patch = pytest.MonkeyPatch
MOST = 29  # of 211, 72 and 79 windows


@pytest.fixture
def changed(dirty_config: TrainConfig, tmp_path: Path, monkeypatch: Patch) -> Callable[..., TrainConfig]:
    """The dirty file's configuration with a sample of its windows, or with a store of its rows."""
    monkeypatch.chdir(tmp_path)  # where stores are made

    def change(*, most: int | None = None, store: str = "never") -> TrainConfig:
        parts = {
            "windows": dirty_config.windows.model_copy(update={"most": most}),
            "dataset": dirty_config.dataset.model_copy(update={"store": store}),
        }
        return dirty_config.model_copy(update=parts)

    return change


@pytest.mark.parametrize("store", ["never", "always"])
def test_a_sample_leaks_nothing_and_what_decides_on_it_is_said(
    changed: Callable[..., TrainConfig], audited: Audited, network: Transformer, store: str
) -> None:
    audit = audited(changed(most=MOST, store=store), network)
    assert audit.leaks == []
    lines = [line.strip() for line in audit.text.splitlines() if "not compared" in line]
    assert lines == [
        "not compared: which windows windows.most takes: that goes by how many there are, so all windows are",
        "not compared: which windows windows.most takes: that goes by the order of the series, so all windows are",
    ]


def test_stored_rows_leak_nothing(changed: Callable[..., TrainConfig], audited: Audited, network: Transformer) -> None:
    stored, memory = (audited(changed(store=store), network) for store in ("always", "never"))
    assert stored.leaks == []
    assert stored.text == memory.text


def even_step(patch: Patch) -> None:
    """A sample at an even step, which could keep time with the season."""
    patch.setattr(windows, "spread", lambda numbers, *, count, most: numbers * count // most)


def first_windows(patch: Patch) -> None:
    """The first windows of a split, instead of some of all of it."""
    patch.setattr(windows, "spread", lambda numbers, *, count, most: numbers)


def other_places(patch: Patch) -> None:
    """One of each stretch, by another hash: not those that other runs take."""

    def places(numbers: Any, *, count: int, most: int) -> Any:
        if count <= most:
            return numbers
        begin, end = numbers * count // most, (numbers + 1) * count // most
        return begin + numbers * 7919 % (end - begin)

    patch.setattr(windows, "spread", places)


@pytest.mark.parametrize("plant", [even_step, first_windows, other_places])
def test_another_sample_than_is_described_is_reported(
    changed: Callable[..., TrainConfig], audited: Audited, network: Transformer, monkeypatch: Patch, plant: Any
) -> None:
    plant(monkeypatch)
    leaks = audited(changed(most=MOST), network).leaks
    for split in ("train", "validation", "test"):
        assert any(leak.startswith(f"audit=leaks: property 5 does not hold: {split}.windows: ") for leak in leaks)


def test_a_leak_in_how_stored_rows_are_gathered_is_reported(
    changed: Callable[..., TrainConfig], audited: Audited, network: Transformer, monkeypatch: Patch
) -> None:
    features = batches.RowsOnDisk.features
    later = lambda rows, numbers: features(rows, np.minimum(numbers + 1, rows.dataset.num_rows - 1))  # noqa: E731
    monkeypatch.setattr(batches.RowsOnDisk, "features", later)
    leaks = audited(changed(store="always"), network).leaks
    assert any("property 3 does not hold: scaled.context: " in leak for leak in leaks)
    assert audited(changed(), network).leaks == []  # which has no such rows


def test_a_store_of_other_rows_than_the_file_is_reported_whatever_its_page_says(
    changed: Callable[..., TrainConfig], audited: Audited, network: Transformer, monkeypatch: Patch
) -> None:
    stored = sources.stored

    def damaged(path: Path, spec: Any) -> Dataset:
        dataset = stored(path, spec)
        values = dataset.values.copy()
        values[150, 0] += 1e-9
        ends = np.cumsum([len(series) for series in dataset.series])[:-1]
        series = [replace(one, values=own) for one, own in zip(dataset.series, np.split(values, ends), strict=True)]
        assert dataset.stored is not None
        return replace(dataset, series=tuple(series), stored=replace(dataset.stored, values=values))

    monkeypatch.setattr(sources, "stored", damaged)
    assert any(
        "property 5 does not hold: file.as_read: " in leak for leak in audited(changed(store="always"), network).leaks
    )


def test_a_file_too_large_for_memory_is_refused_in_a_line(
    changed: Callable[..., TrainConfig], audited: Audited, network: Transformer, monkeypatch: Patch
) -> None:
    # 412 rows of time, four columns and what is made of them: as if each number were 1 TB.
    monkeypatch.setattr("headway.audit.room._BYTES_A_NUMBER", 10**12)
    with pytest.raises(
        DataError, match=r"audit=leaks changes the file in memory and takes about \d+\.\d GB for it"
    ) as error:
        audited(changed(store="always"), network)
    assert str(error.value).endswith(
        " GB are free; train with the same settings on a part of the file, and audit that run"
    )
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize(("count", "most"), [(0, 5), (7, 7), (8, 7), (97, 13), (10_007, 4999), (2**40 + 9, 1009)])
def test_the_sample_made_again_is_one_of_each_stretch_and_that_of_the_index(count: int, most: int) -> None:
    found = sample(count, most)
    assert len(found) == min(count, most)
    assert found.tolist() == spread(np.arange(len(found)), count=count, most=most).tolist()
    if count > most:
        assert all(n * count // most <= place < (n + 1) * count // most for n, place in enumerate(found.tolist()))
