"""The section on attention says what was found, in words that agree with the numbers."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headway.run_report import attention
from headway.run_report.excerpt import MOST_ROWS


def section_of(subject: Any, folder: Path, **changes: Any) -> Any:
    found = replace(subject.explanation, **changes)
    return attention.section(found, folder, subject.task.dataset.clock, readout=subject.config.model.readout)


def trusted(explanation: Any) -> Any:
    """The verdict of an explanation, turned positive."""
    certain = dict.fromkeys(explanation.verdict.contrasts, (0.3, 0.2, 0.4))
    return replace(explanation.verdict, rho=0.9, lift=2.0, contrast=0.7, chance=1e-5, contrasts=certain)


def test_the_badge_and_the_section_give_the_verdict_of_the_explanation(plain: Any, opened: Any, tmp_path: Path) -> None:
    positive, negative = trusted(plain.explanation), replace(trusted(plain.explanation), chance=0.5)
    for verdict, tone, word in (
        (positive, "positive", "attention shows importance"),
        (negative, "negative", "attention is not importance"),
    ):
        (shown,) = opened(section_of(plain, tmp_path, verdict=verdict)).verdicts
        assert (shown.tone, shown.word, shown.text) == (tone, word, verdict.words)
        badge = attention.badge(replace(plain.explanation, verdict=verdict))
        assert (badge.tone, badge.word) == (tone, word)


def test_lags_have_the_weight_and_the_importance_that_were_measured(plain: Any, opened: Any, tmp_path: Path) -> None:
    found, explanation = opened(section_of(plain, tmp_path)), plain.explanation
    assert found.column("Importance by lag", "lag") == ["-4 h", "-3 h", "-2 h", "-1 h", "0"]
    for name, weights in (("attention x T", explanation.attention), ("rollout x T", explanation.rollout)):
        shares = np.array(found.column("Importance by lag", name), float)
        np.testing.assert_allclose(shares, 5 * weights, atol=0.0051)
        assert shares.mean() == pytest.approx(1, abs=0.01)
    rises = [f"{100 * rise:+.1f} %" for rise in explanation.lags[:, 0]]
    assert found.column("Importance by lag", "error rises by") == rises


def test_features_stand_in_the_order_of_their_importance(plain: Any, opened: Any, tmp_path: Path) -> None:
    found, explanation = opened(section_of(plain, tmp_path)), plain.explanation
    names = found.column("Importance by feature", "part")
    assert set(names) == {"y", "x", "calendar", "series"}
    rises = [explanation.features[name][0] for name in names]
    assert rises == sorted(rises, reverse=True)
    _, low, high = 100 * explanation.features[names[0]]
    assert found.cell("Importance by feature", names[0], "95 % interval") == f"{low:+.1f} to {high:+.1f}"
    rho = explanation.feature_rhos["x"]
    shown = found.cell("Importance by feature", "x", "rho of attention with its lags")
    assert shown == ("" if np.isnan(rho) else f"{rho:.2f}")
    assert found.cell("Importance by feature", "calendar", "rho of attention with its lags") == ""


def test_the_pictures_name_the_lag_that_receives_most_and_the_one_that_matters_most(
    plain: Any, opened: Any, tmp_path: Path
) -> None:
    received, rises = np.array([0.1, 0.5, 0.2, 0.1, 0.1]), np.tile([[0.1, 0.0, 0.2]], (5, 1))
    rises[2] = (0.7, 0.6, 0.8)
    found = opened(section_of(plain, tmp_path, attention=received, lags=rises))
    assert found.pictures[0].alt.endswith("the step attended to most is -3 h")
    assert "of lags, -2 h first" in found.pictures[1].alt


def test_without_cells_or_draws_the_columns_they_would_fill_are_empty_or_gone(
    plain: Any, opened: Any, tmp_path: Path
) -> None:
    lags = plain.explanation.lags.copy()
    lags[:, 1:] = np.nan
    found = opened(section_of(plain, tmp_path, cells=None, lags=lags))
    assert found.tables["Importance by feature"].header == ("part", "error rises by", "95 % interval")
    assert set(found.column("Importance by lag", "95 % interval")) == {""}


@pytest.mark.parametrize(("readout", "words"), [("all", "without any attention"), ("last", "last encoded step alone")])
def test_it_says_which_way_a_step_has_to_the_forecast(
    plain: Any, opened: Any, tmp_path: Path, readout: str, words: str
) -> None:
    section = attention.section(plain.explanation, tmp_path, plain.task.dataset.clock, readout=readout)
    (text,) = opened(section).texts
    assert f"model.readout={readout}" in text.split(")")[0] and words in text


def test_maps_by_epoch_are_shown_where_the_run_kept_them(plain: Any, opened: Any, tmp_path: Path) -> None:
    before = opened(section_of(plain, tmp_path)).pictures
    received = np.full((3, 1, 2, 5), 0.2)
    np.savez(tmp_path / "attention_epochs.npz", epochs=np.array([0, 1, 4]), received=received, best=np.array(4))
    after = opened(section_of(plain, tmp_path)).pictures
    assert len(after) == len(before) + 1
    assert after[-1].caption.endswith("the weights of epoch 4 are kept.") and "over 4 epochs" in after[-1].alt


def test_of_many_lags_the_most_important_are_in_the_table(plain: Any, opened: Any, tmp_path: Path) -> None:
    rises = np.random.default_rng(3).permutation(37) / 37
    lags, even = np.stack([rises, rises - 0.01, rises + 0.01], axis=1), np.full(37, 1 / 37)
    mean = np.full((1, 2, 37, 37), 1 / 37, np.float32)
    changes = {"mean": mean, "lags": lags, "attention": even, "rollout": even, "cells": None, "by": {}}
    found = opened(section_of(plain, tmp_path, **changes))
    names = [f"-{36 - lag} h" if lag < 36 else "0" for lag in range(37)]
    assert found.column("Importance by lag", "lag") == [names[lag] for lag in range(37) if rises[lag] >= 7 / 37]
    assert f"Shown are {MOST_ROWS} of 37 rows" in found.tables["Importance by lag"].note
