"""Windows cut by plain slicing, as rivals get them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
import sklearn.ensemble  # noqa: F401 - loads OpenMP, so that its threads can be limited
from threadpoolctl import threadpool_limits

from headway.evaluation.cases import Cases

PER_WINDOW = ("context", "observed", "known_future", "series", "history", "target")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Trees this small gain nothing from threads, which wait for each other where cores are shared."""
    with threadpool_limits(1, user_api="openmp"):
        yield


@pytest.fixture(scope="session")
def cases_of() -> Callable[..., Cases]:
    """All windows of some series, rows [time, F] each, whose history fits; series 0's in front."""

    def cut(
        series: Sequence[np.ndarray],
        *,
        context: int = 5,
        horizon: int = 7,
        season: int = 11,
        targets: Sequence[int] = (2, 0),
        calendar: int = 13,
        seed: int = 1,
    ) -> Cases:
        mean, scale = (of(np.concatenate(series), axis=0) for of in (np.nanmean, np.nanstd))
        past, generator = max(season, context), np.random.default_rng(seed)
        columns: dict[str, list[Any]] = {name: [] for name in PER_WINDOW}
        for number, rows in enumerate(series):
            known = generator.normal(size=(len(rows), calendar))
            for origin in range(past - 1, len(rows) - horizon):
                shown = (rows[origin - context + 1 : origin + 1] - mean) / scale
                columns["context"].append(np.nan_to_num(shown))
                columns["observed"].append(~np.isnan(shown))
                columns["known_future"].append(known[origin - context + 1 : origin + 1 + horizon])
                columns["series"].append(number)
                columns["history"].append(rows[origin - past + 1 : origin + 1, list(targets)])
                columns["target"].append(rows[origin + 1 : origin + 1 + horizon, list(targets)])
        single = {name: np.array(columns[name], np.float32) for name in ("context", "observed", "known_future")}
        return Cases(
            **single,
            series=np.array(columns["series"], np.int64),
            num_series=len(series),
            history=np.array(columns["history"], np.float64),
            target=np.array(columns["target"], np.float64),
            season=season,
            mean=mean[list(targets)],
            scale=scale[list(targets)],
        )

    return cut


@pytest.fixture(scope="session")
def wild(cases_of: Callable[..., Cases]) -> Callable[..., Cases]:
    """Windows of three series that move differently, a tenth of all values missing: T 5, F 3, C 13, H 7, 2 targets."""

    def wild(*, length: int = 67, seed: int = 1) -> Cases:
        generator = np.random.default_rng(seed)
        series = []
        for slope in (0.0, 3.0, -3.0):
            rows = 50 + slope * np.arange(length)[:, None] % 17 + 7 * generator.normal(size=(length, 3))
            rows[generator.random(rows.shape) < 0.1] = np.nan
            series.append(rows)
        return cases_of(series, seed=seed)

    return wild


@pytest.fixture(scope="session")
def part() -> Callable[[Cases, Any], Cases]:
    """Some of the windows: part(cases, slice(3, 10))."""
    return lambda cases, which: replace(cases, **{name: getattr(cases, name)[which] for name in PER_WINDOW})


@pytest.fixture(scope="session")
def past_only(wild: Callable[..., Cases]) -> Callable[..., Cases]:
    """Windows of a given history [B, L, targets], for rivals that look at nothing else."""

    def past_only(history: Any, *, context: int, horizon: int, season: int = 1) -> Cases:
        history = np.asarray(history, np.float64)
        size, _, targets = history.shape
        return replace(
            wild(length=19),
            context=np.zeros((size, context, 3), np.float32),
            observed=np.ones((size, context, 3), np.float32),
            known_future=np.zeros((size, context + horizon, 0), np.float32),
            series=np.zeros(size, np.int64),
            num_series=1,
            history=history,
            target=np.full((size, horizon, targets), np.nan),
            season=season,
            mean=np.zeros(targets),
            scale=np.ones(targets),
        )

    return past_only


@pytest.fixture(scope="session")
def carried() -> Callable[[np.ndarray], np.ndarray]:
    """A row of values with missing ones carried forward, leading ones backward, by plain loops."""

    def carry(row: np.ndarray) -> np.ndarray:
        row = row.copy()
        for order in (range(1, len(row)), range(len(row) - 2, -1, -1)):
            for place in order:
                if np.isnan(row[place]):
                    row[place] = row[place - order.step]
        return row

    return carry


@pytest.fixture(scope="session")
def arrays_of() -> Callable[[Cases], dict[str, np.ndarray]]:
    """Copies of all arrays of windows, by name."""
    return lambda cases: {
        field.name: getattr(cases, field.name).copy()
        for field in fields(cases)
        if isinstance(getattr(cases, field.name), np.ndarray)
    }
