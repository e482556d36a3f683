"""Attention scores as they are kept."""

from pathlib import Path

import numpy as np

from headway.attention.maps import mean_map, save_scores

SCORES = np.random.default_rng(1).dirichlet(np.ones(7), size=(11, 2, 3, 5)).astype("float32")


def test_the_map_is_the_mean_over_windows_by_layer_and_head() -> None:
    found = mean_map(SCORES)
    assert found.shape == (2, 3, 5, 7)
    np.testing.assert_allclose(found[1, 2, 3], sum(SCORES[window, 1, 2, 3] for window in range(11)) / 11, rtol=1e-5)
    np.testing.assert_allclose(found.sum(axis=-1), 1, atol=1e-5)


def test_scores_are_kept_whole_with_origin_and_series_and_without_pickle(tmp_path: Path) -> None:
    origins = np.datetime64("2013-01-01T05", "m") + np.arange(11) * np.timedelta64(60, "m")
    series = np.array(["EWR", "JFK"])[np.arange(11) % 2]
    save_scores(tmp_path / "scores.npz", SCORES, origins=origins, series=series)
    with np.load(tmp_path / "scores.npz", allow_pickle=False) as kept:
        np.testing.assert_array_equal(kept["attention_scores"], SCORES)
        np.testing.assert_array_equal(kept["origins"], origins)
        assert kept["series"].tolist() == series.tolist()
