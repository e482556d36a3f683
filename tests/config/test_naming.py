"""Names of runs."""

import pytest

from headway.config.naming import run_name


@pytest.mark.parametrize(
    ("overrides", "name"),
    [
        ([], "weather"),
        (["model.heads=4", "seed=1"], "heads=4 seed=1"),
        (["tracking=off", "tracking.uri=sqlite:///a.db", "hydra.verbose=true"], "weather"),
        (["dataset=csv", "dataset.path=/some/where/my.csv"], "dataset=csv path=my.csv"),
        (["+dataset.units.a=K", "~model.key_dim"], "a=K key_dim="),
    ],
)
def test_a_run_is_named_by_what_differs(overrides: list[str], name: str) -> None:
    assert run_name(overrides, default="weather") == name


def test_a_long_name_is_cut() -> None:
    name = run_name([f"model.heads={'4' * 300}"], default="weather")
    assert (len(name), name[-3:]) == (120, "...")
