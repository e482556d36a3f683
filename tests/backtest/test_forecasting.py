"""Training at an origin: nothing from it on is known, and what is judged is what the plan says."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from headway.backtest.forecasting import fit, forecast, read
from headway.backtest.plan import Origin, plan
from headway.backtest.worker import Job
from headway.config.evaluate import EvaluateConfig
from headway.config.train import TrainConfig
from headway.data.series import Dataset
from headway.errors import DataError
from headway.evaluation.forecasts import Forecasts
from headway.fitting import untrained
from headway.models.transformer import Transformer
from headway.task import prepare


@pytest.fixture
def origins(compose_evaluate: Callable[..., EvaluateConfig], config: TrainConfig, dataset: Dataset) -> list[Origin]:
    """Three origins two days apart."""
    spec = compose_evaluate("backtest=expanding", "backtest.every=2D", "backtest.origins=3").backtest
    return plan(spec, dataset, config.splits, horizon=2)


def job_of(config: TrainConfig, dataset: Dataset, origins: list[Origin], **changes: object) -> Job:
    job = Job(
        config=config,
        origins=[],
        first=tuple(dict(border) for border in origins[0].borders),
        stored=None,
        folder=Path(),
        project=Path(),
        fingerprint=dataset.fingerprint(),
        parent=os.getpid(),
    )
    return replace(job, **changes)  # type: ignore[arg-type]


def forecasts_at(config: TrainConfig, dataset: Dataset, origins: list[Origin], number: int) -> Forecasts:
    """Of a network that was never trained."""
    job, borders = job_of(config, dataset, origins), origins[number].borders
    task = prepare(dataset, dataset_spec=config.dataset, splits=config.splits, windows=config.windows, borders=borders)
    forecaster = untrained(Transformer(config.model, task.shape), task)
    return forecast(job, dataset, forecaster, task, label=origins[number].label, borders=borders)


def changed_from(dataset: Dataset, row: int) -> Dataset:
    series = dataset.series[0]
    values = series.values.copy()
    values[row:] = 7 - 3 * values[row:]
    return replace(dataset, series=(replace(series, values=values),))


def test_rows_from_the_origin_on_change_neither_training_nor_the_first_forecast(
    config: TrainConfig, dataset: Dataset, origins: list[Origin]
) -> None:
    origin, trained, forecasts = origins[1], [], []
    for data in (dataset, changed_from(dataset, origin.borders[0]["test"][0])):
        job = job_of(config, data, origins)
        forecaster, trained_on = fit(job, data, origin.borders)
        trained.append(forecaster)
        forecasts.append(forecast(job, data, forecaster, trained_on, label=origin.label, borders=origin.borders))
    (first, second), (before, after) = trained, forecasts
    for own, other in zip(first.network.weights, second.network.weights, strict=True):
        np.testing.assert_array_equal(own, other)
    assert first.calibration is not None and second.calibration is not None
    np.testing.assert_array_equal(first.calibration.offsets, second.calibration.offsets)
    np.testing.assert_array_equal(first.scaler.scale, second.scaler.scale)
    assert first.profile == second.profile
    # The first window ends on the last row that is known; the others have later rows in their context.
    for name in before.forecasters:
        own, other = (part.point(name, slice(None)) for part in (before, after))
        np.testing.assert_array_equal(own[0], other[0])
        assert not np.array_equal(own[1:], other[1:])


def test_windows_from_one_origin_to_the_next_are_judged(
    config: TrainConfig, dataset: Dataset, origins: list[Origin]
) -> None:
    forecasts = forecasts_at(config, dataset, origins, 1)
    begin, following = (int(np.searchsorted(dataset.timestamps, origins[number].time)) for number in (1, 2))
    y = dataset.values[:, 0]
    np.testing.assert_array_equal(forecasts.actual[:, 0, 0], y[begin:following])
    np.testing.assert_array_equal(forecasts.actual[:, 1, 0], y[begin + 1 : following + 1])
    np.testing.assert_array_equal(forecasts.rivals["persistence"][:, 1, 0], y[begin - 1 : following - 1])
    assert next(iter(forecasts.slicings)) == "origin"
    assert forecasts.slicings["origin"].labels == (origins[1].label,)


def test_a_feature_is_cut_at_the_same_quartiles_at_every_origin(
    config: TrainConfig, dataset: Dataset, origins: list[Origin]
) -> None:
    labels = [forecasts_at(config, dataset, origins, number).slicings["x"].labels for number in (0, 2)]
    begin, end = origins[0].borders[0]["train"]
    quartiles = np.quantile(dataset.values[begin:end, 1], [0.25, 0.5, 0.75])
    assert labels[0] == labels[1]
    assert [float(label.rsplit(" ", 1)[1]) for label in labels[0][:3]] == pytest.approx(quartiles, rel=1e-3)


def test_a_feature_named_like_the_slices_by_origin_does_not_take_their_place(
    config: TrainConfig, dataset: Dataset, origins: list[Origin]
) -> None:
    named = replace(dataset, features=("y", "origin"))
    spec = config.model_copy(
        update={"evaluation": config.evaluation.model_copy(update={"slices": ("origin",), "rivals": ()})}
    )
    assert forecasts_at(spec, named, origins, 0).slicings["origin"].labels == (origins[0].label,)


def test_a_file_that_changed_meanwhile_is_refused(config: TrainConfig, dataset: Dataset, origins: list[Origin]) -> None:
    job = job_of(config, dataset, origins)
    np.testing.assert_array_equal(read(job).values, dataset.values)
    path = Path(config.dataset.path)
    path.write_text(path.read_text() + "2024-01-13T23:00,1,1\n")
    with pytest.raises(DataError, match="changed while the backtest ran"):
        read(job)


def test_too_few_rows_before_an_origin_are_refused_as_such(
    config: TrainConfig, dataset: Dataset, origins: list[Origin]
) -> None:
    borders = ({**origins[0].borders[0], "train": (0, 4)},)
    with pytest.raises(DataError, match=r"before an origin of the backtest: .*holds no window"):
        fit(job_of(config, dataset, origins), dataset, borders)
