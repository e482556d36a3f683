"""The shipped file, with the counts that pandas and plain slicing give."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from headway.config.train import TrainConfig
from headway.data import batches
from headway.data.series import Dataset
from headway.data.splits import split
from headway.data.windows import index_windows
from headway.errors import DataError

FEATURES = ("temp", "dewp", "humid", "wind_u", "wind_v", "precip", "pressure", "visib")


@pytest.fixture(scope="module")
def table(project: Path) -> pd.DataFrame:
    return pd.read_csv(project / "data/nyc_weather_2013.csv", parse_dates=["time_hour"])


def test_windows_are_as_many_as_published(weather: Dataset, weather_config: TrainConfig) -> None:
    borders = split(weather, **weather_config.splits.model_dump())
    counts = [
        len(index_windows(weather, borders, name, **weather_config.windows.model_dump()))
        for name in ("train", "validation", "test")
    ]
    assert counts == [18_300, 2_604, 5_223]


def test_missing_hours_are_inserted_and_counted(weather: Dataset, table: pd.DataFrame) -> None:
    steps = table.groupby("origin")["time_hour"].diff().dropna() / pd.Timedelta(hours=1)
    assert ((steps > 1).sum(), (steps - 1).sum()) == (45, 75)
    assert {"gaps in the clock: 45", "missing rows marked: 75"} <= set(weather.notes)
    assert weather.num_rows == len(table) + 75


def test_context_is_six_hours_of_eight_features(weather: Dataset, weather_config: TrainConfig) -> None:
    assert weather.features == FEATURES
    borders = split(weather, **weather_config.splits.model_dump())
    index = index_windows(weather, borders, "train", **weather_config.windows.model_dump())
    assert batches.gather_raw(weather, index, np.arange(11)).values.shape == (11, 6, 8)


def test_the_row_in_celsius_and_the_wind_of_1048_mph_are_missing(weather: Dataset, table: pd.DataFrame) -> None:
    rows = {series.name: pd.DataFrame(series.values, series.timestamps, FEATURES) for series in weather.series}
    assert rows["JFK"].loc["2013-05-09T02:00", ["temp", "dewp"]].isna().all()
    assert rows["JFK"].loc["2013-05-09T03:00", "temp"] == 57.2
    storm = table.loc[table["wind_speed"] > 1000].iloc[0]
    assert storm["origin"] == "EWR"
    assert rows["EWR"].loc[storm["time_hour"].tz_localize(None), ["wind_u", "wind_v"]].isna().all()


def test_all_other_values_are_those_of_the_file(weather: Dataset, table: pd.DataFrame) -> None:
    for series in weather.series:
        own = table[table["origin"] == series.name].set_index("time_hour").tz_localize(None)
        stored = pd.DataFrame(series.values, series.timestamps, FEATURES).loc[own.index]
        for column in ("temp", "dewp", "humid", "precip", "pressure", "visib"):
            changed = ~(stored[column].eq(own[column]) | (stored[column].isna() & own[column].isna()))
            assert changed.sum() == (series.name == "JFK" and column in ("temp", "dewp"))


def test_a_changed_file_is_refused(
    compose: Callable[..., TrainConfig], project: Path, tmp_path: Path, weather_config: TrainConfig
) -> None:
    from headway.data import sources

    changed = tmp_path / "weather.csv"
    changed.write_bytes((project / "data/nyc_weather_2013.csv").read_bytes() + b"\n")
    with pytest.raises(DataError, match=r"weather\.csv: its sha256 is .* dataset\.sha256=null"):
        sources.read(compose(f"dataset.path={changed}").dataset)
