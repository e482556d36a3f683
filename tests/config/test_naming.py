"""Names of runs."""

import pytest

from headway.config.naming import is_of_the_start, run_name


@pytest.mark.parametrize(
    ("overrides", "name"),
    [
        ([], "weather"),
        (["model.heads=4", "seed=1"], "heads=4 seed=1"),
        (["tracking=off", "tracking.uri=sqlite:///a.db", "hydra.verbose=true"], "weather"),
        (["resume=auto", "run=2026-11-23_05-51-21_a348dd", "seed=1"], "seed=1"),
        (["dataset=csv", "dataset.path=/some/where/my.csv"], "dataset=csv path=my.csv"),
        (["+dataset.units.a=K", "~model.key_dim"], "a=K key_dim="),
    ],
)
def test_a_run_is_named_by_what_differs(overrides: list[str], name: str) -> None:
    assert run_name(overrides, default="weather") == name


@pytest.mark.parametrize(
    ("override", "expected"),
    [("resume=auto", True), ("+run=x", True), ("runs=3", False), ("training.resume=1", False), ("resumed=1", False)],
)
def test_what_says_which_run_to_go_on_with_says_nothing_of_the_training(override: str, expected: bool) -> None:
    assert is_of_the_start(override) is expected


def test_a_long_name_is_cut() -> None:
    name = run_name([f"model.heads={'4' * 300}"], default="weather")
    assert (len(name), name[-3:]) == (120, "...")
