"""Attention scores as they are kept."""

from pathlib import Path

import numpy as np
import pytest

from headway.attention.maps import mean_map, received, save_scores, slices

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


def test_a_forecast_that_reads_all_steps_counts_every_attending_row() -> None:
    found = received(SCORES, "all")
    assert found.shape == (11, 2, 3, 7)
    np.testing.assert_allclose(found[1, 0, 2, 6], sum(SCORES[1, 0, 2, row, 6] for row in range(5)) / 5, rtol=1e-5)


def test_a_forecast_that_reads_the_last_step_counts_its_row_alone() -> None:
    np.testing.assert_array_equal(received(SCORES, "last"), SCORES[:, :, :, 4])


def test_a_readout_of_another_name_is_refused_by_its_name() -> None:
    with pytest.raises(ValueError, match='got "first"'):
        received(SCORES, "first")


@pytest.mark.parametrize(("windows", "width"), [(1, 3), (7, 2**19), (5, 2**20 + 1), (2**20 + 7, 1)])
def test_slices_take_every_window_once_in_order_and_few_weights_at_a_time(windows: int, width: int) -> None:
    scores = np.broadcast_to(np.arange(windows, dtype="float32")[:, None], (windows, width))
    found = [scores[some, 0] for some in slices(scores)]
    np.testing.assert_array_equal(np.concatenate(found), np.arange(windows))
    assert all(len(part) == 1 or len(part) * width <= 2**20 for part in found)
    assert len(found) == -(-windows // min(windows, max(1, 2**20 // width)))


def test_no_window_is_refused() -> None:
    with pytest.raises(ValueError, match="got none"):
        next(slices(SCORES[:0]))
