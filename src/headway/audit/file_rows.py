"""Every window is the file's rows at the clock's times, and what is fitted is what training rows give."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from headway import feeds, rival_forecasts
from headway.audit.comparisons import batches_of, of, starts
from headway.audit.reconstruction import Reconstruction, calendar
from headway.audit.subject import Subject
from headway.audit.tallies import Tallies, column_at, series_at
from headway.data import batches
from headway.data.columns import derived
from headway.data.scaling import Scaler
from headway.data.splits import SPLITS

Values = NDArray[np.float64]
_AT_ONCE = 2048  # windows that are gathered and made again
_ROUNDING = 1e-9  # of a mean or deviation, in deviations
_WAVES = 1e-6  # of a sine


def windows_are_rows(subject: Subject, tallies: Tallies) -> None:
    """Compare series with the file, windows with their reconstruction, and scalers with training rows."""
    tallies.compare("file.as_read", subject.task.dataset.fingerprint(), subject.fingerprint, unit="numbers")
    _same_as_file(subject, tallies)
    reconstruction = Reconstruction(subject.task.dataset, subject.config)
    _same_fit(subject, reconstruction, tallies)
    for split in SPLITS:
        if _same_windows(subject, reconstruction, split, tallies):
            _same_raw(subject, reconstruction, split, tallies)
            _same_cases(subject, reconstruction, split, tallies)
            _same_inputs(subject, reconstruction, split, tallies)


def _same_as_file(subject: Subject, tallies: Tallies) -> None:
    """What a policy does not mask stands in the series as in the file; nothing is observed where the file has nothing."""
    spec, dataset, table = subject.config.dataset, subject.task.dataset, subject.table
    masked = {*spec.plausible, *spec.max_jump}
    plain = [name for name in dataset.features if name not in derived(spec)]
    numbers = {name: table.numbers(name) for name in (*plain, *spec.known_future)}
    for series, positions in zip(dataset.series, subject.rows, strict=True):
        times = series.timestamps.astype("datetime64[s]")
        stamps, first, count = np.unique(subject.times[positions], return_index=True, return_counts=True)
        rows = np.minimum(np.searchsorted(times, stamps), len(times) - 1)

        def place(row: int, name: str = series.name, times: Any = times) -> str:
            return f"series {name}, {times[row]}"

        tallies.compare("file.timestamps", stamps, times[rows], unit="rows", place=of(place, rows))
        inserted = np.setdiff1d(np.arange(len(times)), rows)
        nothing = np.full((len(inserted), len(dataset.features)), np.nan)
        tallies.compare("file.gaps", nothing, series.values[inserted], unit="rows", place=of(place, inserted))
        for name, values in numbers.items():
            own = values[positions][first]
            if name in plain:
                found = series.values[rows, dataset.features.index(name)]
                if spec.duplicates == "mean":
                    own = _means(values[positions], first, count)
            else:
                found = series.known_future[rows, dataset.known_future_columns.index(name)]
            expected = np.where(np.isnan(found), np.nan, own) if name in masked else own
            tolerance = 1e-12 * np.abs(own) if spec.duplicates == "mean" else None
            tallies.compare(f"file.{name}", expected, found, unit="rows", place=of(place, rows), tolerance=tolerance)


def _means(values: Values, first: NDArray[np.int64], count: NDArray[np.int64]) -> Values:
    """Mean of every run of `count` values from `first` on; NaN where all of it is missing."""
    observed = ~np.isnan(values)
    known = np.add.reduceat(observed.astype(np.int64), first)
    sums = np.add.reduceat(np.where(observed, values, 0.0), first)
    return np.where(known > 0, sums / np.maximum(known, 1), np.nan)


def _same_fit(subject: Subject, reconstruction: Reconstruction, tallies: Tallies) -> None:
    """What task and forecaster keep of the training rows is what the training rows give."""
    dataset, task, forecaster = subject.task.dataset, subject.task, subject.forecaster
    ends = [border["train"][1] for border in reconstruction.borders]
    for name in ("scaler", "known_future_scaler"):
        part = "values" if name == "scaler" else "known_future"
        columns = dataset.features if name == "scaler" else dataset.known_future_columns
        rows = np.concatenate([getattr(one, part)[:end] for one, end in zip(dataset.series, ends, strict=True)])
        mean, scale = _moments(rows)
        for owner in (task, forecaster):
            scaler: Scaler = getattr(owner, name)
            prefix = f"{type(owner).__name__.lower()}.{name}"
            tolerance = _ROUNDING * scale + 1e-12 * np.abs(mean)
            for one, expected in (("mean", mean), ("scale", scale)):
                found, place = getattr(scaler, one), column_at(columns)
                tallies.compare(f"{prefix}.{one}", expected, found, unit="columns", place=place, tolerance=tolerance)
    scales = [_seasonal(reconstruction, number, end) for number, end in enumerate(ends)]
    place = series_at(subject.names)
    for keeper, profile in (("task", task.profile), ("forecaster", forecaster.profile)):
        for position, name in enumerate(("seasonal_scale", "seasonal_square")):
            expected = np.array([pair[position] for pair in scales])
            found = np.array(getattr(profile, name))
            tolerance = _ROUNDING * np.nan_to_num(expected)
            tallies.compare(f"{keeper}.{name}", expected, found, unit="series", place=place, tolerance=tolerance)
    stored, anew = forecaster.calibration, subject.calibrated.calibration
    if stored is not None and anew is not None:
        tolerance = subject.forecast_tolerance
        tallies.compare("forecaster.calibration", anew.offsets, stored.offsets, unit="steps", tolerance=tolerance)


def _moments(rows: Values) -> tuple[Values, Values]:
    """Mean and deviation of the observed values of every column; 0 and 1 where there is nothing to tell."""
    moments = []
    for column in rows.T:
        known = column[~np.isnan(column)]
        mean, scale = (float(known.mean()), float(known.std())) if len(known) else (0.0, 0.0)
        moments.append((mean, scale if scale > 1e-9 * max(abs(mean), 1e-30) else 1.0))
    found = np.array(moments).reshape(-1, 2)
    return found[:, 0], found[:, 1]


def _seasonal(reconstruction: Reconstruction, number: int, end: int) -> tuple[Values, Values]:
    """Mean absolute and mean squared seasonal difference of a series' training rows, within stretches of the clock."""
    dataset = reconstruction.dataset
    values = dataset.series[number].values[:end, dataset.target_indices]
    later = np.arange(min(dataset.season, end), end)
    later = later[later - dataset.season >= reconstruction.stretches[number][later]]
    differences = (values[later] - values[later - dataset.season]).T
    known = [row[~np.isnan(row)] for row in differences]
    means = np.array([[np.abs(row).mean(), (row**2).mean()] if row.any() else [np.nan] * 2 for row in known]).T
    return means[0], means[1]


def _same_windows(subject: Subject, reconstruction: Reconstruction, split: str, tallies: Tallies) -> bool:
    """Whether the index holds the windows there must be, once each and in order."""
    index = subject.task.windows[split]
    owner, origins = reconstruction.windows[split]
    expected = np.array(reconstruction.offsets)[owner] + origins
    found = starts(index) + index.context_length - 1
    either, positions = np.unique(np.concatenate([expected, found]), return_inverse=True)
    counts = (
        np.bincount(part, minlength=len(either)) for part in (positions[: len(expected)], positions[len(expected) :])
    )
    times = subject.task.dataset.timestamps
    series = np.searchsorted(reconstruction.offsets, either, side="right") - 1

    def place(number: int) -> str:
        row = min(int(either[number]), len(times) - 1)
        name = subject.names[min(int(series[number]), len(subject.names) - 1)]
        return f"series {name}, origin {times[row].astype('datetime64[s]')}"

    same = tallies.compare(f"{split}.windows", *counts, place=place)
    same = same and tallies.compare(f"{split}.windows", expected, found)
    return same and tallies.compare(f"{split}.series", owner, index.series_of(np.arange(len(index))))


def _same_raw(subject: Subject, reconstruction: Reconstruction, split: str, tallies: Tallies) -> None:
    task, index = subject.task, subject.task.windows[split]
    for numbers in batches.all_numbers(index, batch_size=_AT_ONCE):
        expected = reconstruction.arrays(split, numbers, history=1)
        expected["origins"] = expected["times"][:, index.context_length - 1]
        found = batches.gather_raw(task.dataset, index, numbers)
        place = of(subject.window(split), numbers)
        for key in ("values", "known_future", "origins", "series", "target"):
            tallies.compare(f"{split}.raw_{key}", expected[key], getattr(found, key), place=place)
    # A forecast in service sees what training was fed.
    numbers = batches.evenly_spaced(index, _AT_ONCE)
    raw = batches.gather_raw(task.dataset, index, numbers)
    inputs = subject.forecaster.inputs(
        raw.values, origins=raw.origins, series=raw.series, known_future=raw.known_future
    )
    scaled = _scaled(subject, reconstruction.arrays(split, numbers, history=1))
    for key, array in inputs.items():
        place = of(subject.window(split), numbers)
        tallies.compare(f"forecaster.{key}", scaled[key], array, place=place, tolerance=_tolerance(scaled[key]))


def _same_cases(subject: Subject, reconstruction: Reconstruction, split: str, tallies: Tallies) -> None:
    before = 0
    for cases in rival_forecasts.cases(subject.task, subject.task.windows[split]):
        numbers = np.arange(before, before + len(cases))
        raw = reconstruction.arrays(split, numbers, history=cases.history.shape[1])
        expected = _scaled(subject, raw) | {"history": raw["history"], "target": raw["target"]}
        place = of(subject.window(split), numbers)
        for key in ("context", "observed", "known_future", "series", "history", "target"):
            found = getattr(cases, key)
            tolerance = _tolerance(expected[key]) if key == "known_future" else None
            tallies.compare(f"rivals.{key}", expected[key], found, place=place, tolerance=tolerance)
        before += len(cases)


def _same_inputs(subject: Subject, reconstruction: Reconstruction, split: str, tallies: Tallies) -> None:
    """What Keras is fed in training and validation, and what a test window would be fed."""
    task, config, index = subject.task, subject.config, subject.task.windows[split]
    if split == "train":
        size = min(config.training.batch_size, len(index))
        fed = batches_of(feeds.training_feed(task, seed=config.seed, batch_size=size))
    elif split == "validation":
        fed = batches_of(feeds.validation_feed(task, batch_size=config.evaluation.batch_size))
    else:
        gathered = (
            (numbers, batches.gather(task.rows, index, numbers))
            for numbers in batches.all_numbers(index, batch_size=_AT_ONCE)
        )
        fed = (
            (numbers, {**batch.inputs, "target": batch.target, "target_observed": batch.target_observed})
            for numbers, batch in gathered
        )
    for numbers, found in fed:
        if len(numbers) and numbers.max() >= len(index):
            tallies.compare(f"{split}.order", len(index), int(numbers.max()) + 1)
            continue
        expected = _scaled(subject, reconstruction.arrays(split, numbers, history=1))
        for key, array in found.items():
            tolerance = _tolerance(expected[key]) if key == "known_future" else None
            place = of(subject.window(split), numbers)
            tallies.compare(f"{split}.{key}", expected[key], array, place=place, tolerance=tolerance)


def _scaled(subject: Subject, raw: dict[str, Any]) -> dict[str, Any]:
    """Windows in their own units as the network must see them, under the names it knows."""
    task = subject.task
    context, observed = _standardised(raw["values"], task.scaler)
    target, target_observed = _standardised(raw["target"], task.scaler.columns(task.shape.targets))
    known, marks = _standardised(raw["known_future"], task.known_future_scaler)
    waves = calendar(raw["times"], task.cycles).astype(np.float32)
    return {
        "context": context,
        "observed": observed,
        "known_future": np.concatenate([waves, known, marks], axis=-1),
        "series": raw["series"],
        "target": target,
        "target_observed": target_observed,
    }


def _standardised(values: Values, scaler: Scaler) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    missing = np.isnan(values)
    scaled = ((np.where(missing, scaler.mean, values) - scaler.mean) / scaler.scale).astype(np.float32)
    return scaled, (~missing).astype(np.float32)


def _tolerance(expected: NDArray[Any]) -> NDArray[np.float64]:
    return _WAVES * (1 + np.abs(expected))
