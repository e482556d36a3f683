"""What every rival must do."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from headway.evaluation import rivals
from headway.evaluation.cases import Cases, Rival

NAMES = sorted(path.stem for path in Path(rivals.__file__).parent.glob("*.py") if path.stem != "__init__")
ASSERTED = ["drift", "gradient_boosting", "least_squares", "linear_regression"]
ASSERTED += ["nlinear", "persistence", "seasonal_naive", "window_mean"]
Wild = Callable[..., Cases]


def unfitted(name: str) -> Rival:
    """A rival that is quick to fit."""
    rival = rivals.make(name)
    if name == "gradient_boosting":
        rival.iterations = 2  # type: ignore[attr-defined]
    return rival


def fitted(name: str, *batches: Cases) -> Rival:
    rival = unfitted(name)
    rival.fit(iter(batches))
    return rival


def test_the_rivals_are_these() -> None:
    assert NAMES == ASSERTED


@pytest.mark.parametrize("name", NAMES)
def test_every_file_of_the_package_is_a_rival_with_a_definition_of_one_line(name: str) -> None:
    module = import_module(f"headway.evaluation.rivals.{name}")
    assert isinstance(rivals.make(name), module.RIVAL)
    assert module.RIVAL.__module__ == module.__name__
    assert module.RIVAL.__name__.lower() == name.replace("_", "")
    assert isinstance(module.RIVAL.learns, bool)
    definition = module.RIVAL.__dict__["__doc__"].splitlines()[0]
    assert len(definition) > 20
    assert definition.endswith(".")


@pytest.mark.parametrize("name", NAMES)
def test_a_rival_that_learns_is_one_whose_forecasts_depend_on_what_it_was_fitted_to(name: str, wild: Wild) -> None:
    def judged_by(training: Cases) -> np.ndarray:
        return fitted(name, training).forecast(wild(seed=3))

    apart = not np.array_equal(judged_by(wild(seed=1)), judged_by(wild(seed=2)))
    assert rivals.make(name).learns == apart


@pytest.mark.parametrize("name", NAMES)
def test_no_rival_looks_at_the_targets_it_forecasts(name: str, wild: Wild) -> None:
    rival, cases = fitted(name, wild()), wild(seed=2)
    blind = replace(cases, target=np.full_like(cases.target, np.nan))
    found = rival.forecast(cases)
    np.testing.assert_array_equal(found, rival.forecast(blind))
    assert found.shape == cases.target.shape == (len(cases), 7, 2)
    assert found.dtype == np.float64
    assert np.isfinite(found).all()


@pytest.mark.parametrize("name", NAMES)
def test_it_does_not_matter_how_training_windows_were_batched(
    name: str, wild: Wild, part: Callable[..., Cases]
) -> None:
    cases = wild()
    cuts = [0, 41, 43, 120, len(cases)]
    batches = [part(cases, slice(*cut)) for cut in itertools.pairwise(cuts)]
    whole, batched = (fitted(name, *some).forecast(wild(seed=2)) for some in ([cases], batches))
    np.testing.assert_allclose(batched, whole, rtol=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_a_forecast_does_not_depend_on_its_neighbours_in_the_batch(
    name: str, wild: Wild, part: Callable[..., Cases]
) -> None:
    rival, cases = fitted(name, wild()), wild(seed=2)
    some = [101, 3, 47]
    np.testing.assert_allclose(rival.forecast(part(cases, some)), rival.forecast(cases)[some], rtol=1e-12)
    assert rival.forecast(part(cases, [])).shape == (0, 7, 2)


@pytest.mark.parametrize("name", NAMES)
def test_fitting_again_forgets_the_first_fit(name: str, wild: Wild) -> None:
    twice = fitted(name, wild())
    twice.fit([wild(seed=2)])
    once = fitted(name, wild(seed=2))
    np.testing.assert_array_equal(twice.forecast(wild()), once.forecast(wild()))


@pytest.mark.parametrize("name", NAMES)
def test_windows_are_left_as_they_were(name: str, wild: Wild, arrays_of: Callable[..., dict[str, np.ndarray]]) -> None:
    cases = wild()
    before = arrays_of(cases)
    fitted(name, cases).forecast(cases)
    for key, array in before.items():
        np.testing.assert_array_equal(getattr(cases, key), array, err_msg=key)


@pytest.mark.parametrize("name", NAMES)
def test_forecasts_follow_the_units_of_the_targets(name: str, wild: Wild) -> None:
    def in_other_units(cases: Cases) -> Cases:
        changed = {key: 1024 + 4 * getattr(cases, key) for key in ("history", "target", "mean")}
        return replace(cases, **changed, scale=4 * cases.scale)

    found = fitted(name, in_other_units(wild())).forecast(in_other_units(wild(seed=2)))
    np.testing.assert_allclose(found, 1024 + 4 * fitted(name, wild()).forecast(wild(seed=2)), rtol=1e-8)


@pytest.mark.parametrize("name", NAMES)
def test_a_context_without_a_target_value_is_forecast_from_the_value_before_it(name: str, wild: Wild) -> None:
    rival, cases = fitted(name, wild()), wild(seed=2)
    history, observed, context = cases.history.copy(), cases.observed.copy(), cases.context.copy()
    history[3, -5:], observed[3], context[3] = np.nan, 0, 0
    history[3, -6] = [40.0, 60.0]
    found = rival.forecast(replace(cases, history=history, observed=observed, context=context))
    assert np.isfinite(found).all()
    if name in ("persistence", "drift", "window_mean"):
        np.testing.assert_array_equal(found[3], np.tile([40.0, 60.0], (7, 1)))


@pytest.mark.parametrize("name", NAMES)
def test_a_step_whose_target_was_never_observed_in_training_is_still_forecast(name: str, wild: Wild) -> None:
    cases = wild()
    target = cases.target.copy()
    target[:, 4, 1] = np.nan
    whole, holed = fitted(name, cases), fitted(name, replace(cases, target=target))
    found = holed.forecast(wild(seed=2))
    assert np.isfinite(found).all()
    if name not in ("least_squares", "nlinear"):  # these share their map among targets
        others = np.ones((7, 2), bool)
        others[4, 1] = False
        np.testing.assert_allclose(found[:, others], whole.forecast(wild(seed=2))[:, others], rtol=1e-6)
    if name in ("linear_regression", "gradient_boosting"):
        np.testing.assert_array_equal(found[:, 4, 1], wild(seed=2).last[:, 1])
