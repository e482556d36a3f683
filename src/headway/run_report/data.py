"""What the data were: series, gaps, missing values, windows, and what was left out."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from headway.data.series import Dataset
from headway.data.windows import WindowIndex
from headway.report.page import Block, Facts, Heading, Items, Section, Table, Text
from headway.run_report.excerpt import MOST_ROWS, excerpt
from headway.stored import Stored
from headway.task import Task


def section(task: Task, kept: Stored) -> Section:
    """The section on data."""
    dataset = task.dataset
    missing = float(np.mean(_missing(dataset)))
    blocks: list[Block] = [
        Facts(
            {
                "source": kept.config.dataset.path,
                "fingerprint": kept.fingerprint,
                "rows": f"{dataset.num_rows:,} on a clock of {dataset.clock}",
                "period": f"{_time(dataset.timestamps.min())} to {_time(dataset.timestamps.max())} UTC",
            }
        ),
        _windows(task),
        _series(task),
        _columns(task),
    ]
    if dataset.notes:
        blocks += [Heading("What was noticed on reading"), Items(dataset.notes[:MOST_ROWS])]
        if len(dataset.notes) > MOST_ROWS:
            blocks.append(Text(f"And {len(dataset.notes) - MOST_ROWS:,} notes more; the log of the run has all."))
    series, features = len(dataset.series), len(dataset.features)
    lead = (
        f"{series:,} series of {features:,} feature{'s' * (features > 1)}; {_share(missing)} of the values are missing."
    )
    return Section("data", "Data", lead, blocks)


def target_span(task: Task, split: str) -> tuple[str, str]:
    """Times of the first and the last step that any window of a split forecasts; empty where it has no window."""
    index = task.windows[split]
    if not len(index):
        return "", ""
    first = index.first + index.context_length
    last = index.first + (index.count - 1) * index.stride + index.context_length + index.horizon - 1
    times = task.dataset.timestamps
    return _time(times[first].min()), _time(times[last].max())


def _missing(dataset: Dataset) -> NDArray[np.float64]:
    """Share of the rows of all series without a value, by feature."""
    counts: NDArray[np.int64] = np.sum([series.num_missing for series in dataset.series], axis=0)
    return counts / dataset.num_rows


def _windows(task: Task) -> Table:
    reasons = list(dict.fromkeys(reason for index in task.windows.values() for reason in index.dropped))
    rows = [
        (split, index.words, *target_span(task, split), *_dropped(index, reasons))
        for split, index in task.windows.items()
    ]
    index = task.windows["train"]
    return Table(
        caption="Windows",
        header=("split", "windows", "forecast from", "to", *(f"left out: {reason}" for reason in reasons)),
        rows=rows,
        numeric=range(1, 4 + len(reasons)),
        note=f"A window is {index.context_length} steps seen and {index.horizon} steps forecast. Its forecast lies in one split; "
        f"what it sees may reach back into the split before. {'' if reasons else 'No window was left out.'}".rstrip(),
    )


def _dropped(index: WindowIndex, reasons: Sequence[str]) -> list[str]:
    return [f"{index.dropped.get(reason, 0):,}" for reason in reasons]


def _series(task: Task) -> Table:
    rows, sizes = [], []
    for series in task.dataset.series:
        # A row that no file holds, inserted to keep the clock, is missing in every feature.
        longer = len(series.segments) - 1
        share = float(series.num_missing.sum() / series.values.size) if len(series) else np.nan
        rows.append((series.name, f"{len(series):,}", f"{series.num_empty:,}", f"{longer:,}", _share(share)))
        sizes.append(longer + share)
    table = Table(
        caption="Series",
        header=("series", "rows", "rows without any value", "longer gaps", "values missing"),
        rows=rows,
        numeric=(1, 2, 3, 4),
        note="A step that the file lacks is a row without any value: the model is told that it is missing. "
        "No window crosses a longer gap.",
    )
    return excerpt(table, sizes, which="those with most longer gaps, then most values missing")


def _columns(task: Task) -> Table:
    dataset = task.dataset
    shares = _missing(dataset).tolist()
    roles = {
        name: ("target" if name in dataset.targets else "past covariate", _share(share))
        for name, share in zip(dataset.features, shares, strict=True)
    }
    rows = [_column(task, name, *role) for name, role in roles.items()]
    rows += [_column(task, name, "known in advance", "") for name in dataset.known_future_columns]
    table = Table(
        caption="Columns",
        header=("column", "unit", "role", "missing", "lowest", "highest"),
        rows=rows,
        numeric=(3, 4, 5),
        note="Lowest and highest are those of the training rows.",
    )
    sizes = [2.0 if name in dataset.targets else share for name, share in zip(dataset.features, shares, strict=True)]
    sizes += [1.0] * len(dataset.known_future_columns)
    return excerpt(
        table, sizes, which="targets, what is known in advance, and the past covariates with most values missing"
    )


def _column(task: Task, name: str, role: str, missing: str) -> tuple[str, ...]:
    profile = task.profile.columns[name]
    unit = task.dataset.units.get(name, "")
    return name, unit, role, missing, f"{profile.lowest:.4g}", f"{profile.highest:.4g}"


def _share(share: float) -> str:
    return "<0.1 %" if 0 < share < 0.0005 else f"{100 * share:.1f} %"


def _time(time: np.datetime64) -> str:
    return str(time.astype("datetime64[m]")).replace("T", " ")
