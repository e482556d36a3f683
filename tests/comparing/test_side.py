"""What two runs must share to be compared, what may differ, and which windows both have."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from headway.comparing.side import Side, changed_settings, in_common, names_of, refuse_unlike
from headway.config.train import TrainConfig
from headway.data import batches
from headway.data.windows import WindowIndex
from headway.errors import StoredRunError
from headway.stored import Stored
from headway.tracking import Run


def stored(side: Side) -> tuple[Run, Stored]:
    return side.run, Stored.read(side.run.folder)


def keys(side: Side, index: WindowIndex) -> list[tuple[int, str]]:
    """Series and origin of every window, from the windows themselves."""
    raw = batches.gather_raw(side.task.dataset, index, np.arange(len(index)))
    return list(zip(raw.series.tolist(), raw.origins.astype(str).tolist(), strict=True))


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_windows_of_other_contexts_are_matched_by_series_and_origin(side: Callable[..., Side], split: str) -> None:
    first, second = side(), side("windows.context_length=7")
    own, other = in_common(first.task.windows[split], second.task.windows[split])
    one, another = keys(first, first.task.windows[split]), keys(second, second.task.windows[split])
    expected = [key for key in one if key in another]
    assert keys(first, own) == keys(second, other) == expected
    assert (own.context_length, other.context_length) == (3, 7)
    # A longer context crosses the gaps more often: something is left out, or the test shows nothing.
    assert 0 < len(expected) < len(one) or split == "validation"


@pytest.mark.parametrize("stride", [1, 2, 5])
def test_windows_in_common_are_those_of_the_sets_of_origins_whatever_the_runs(stride: int) -> None:
    generator, met = np.random.default_rng(3), 0
    for _ in range(200):
        indices, sets = [], []
        for context_length in (3, 7):
            steps = generator.integers(1, 9, size=(2, 13))  # runs that are apart, of one window or many
            first = np.cumsum(steps[0] + np.r_[0, (steps[1][:-1] - 1) * stride + 1])
            index = WindowIndex(first, steps[1], np.arange(13) // 5, stride, context_length, 2, {})
            indices.append(index)
            sets.append({start + context_length - 1 for start in index.starts(np.arange(len(index))).tolist()})
        own, other = in_common(*indices)
        for found in (own, other):
            starts = found.starts(np.arange(len(found)))
            assert (starts + found.context_length - 1).tolist() == sorted(sets[0] & sets[1])
        met += len(own)
    assert met > 1000


@pytest.mark.parametrize(
    "words", [("windows.most=11", "windows.most=11"), ("windows.most=11", "windows.most=23"), ("", "windows.most=11")]
)
def test_two_samples_are_compared_on_one_sample_of_what_both_could_have(
    side: Callable[..., Side], words: tuple[str, str]
) -> None:
    first, second = (
        side(*filter(None, (word, context)))
        for word, context in zip(words, ("", "windows.context_length=7"), strict=True)
    )
    refuse_unlike(stored(first), stored(second))
    own, other = in_common(first.task.windows["test"], second.task.windows["test"])
    assert len(own) == len(other) == 11
    chosen = keys(first, own)
    assert chosen == keys(second, other) == sorted(set(chosen))
    every = [replace(one.task.windows["test"], most=None) for one in (first, second)]
    both = [key for key in keys(first, every[0]) if key in keys(second, every[1])]
    # One of each of eleven equal stretches.
    count = own.total
    assert count == len(both)
    assert all(n * count // 11 <= both.index(key) < (n + 1) * count // 11 for n, key in enumerate(chosen))


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("windows.horizon=5", "windows.horizon is 2 in the run {} and 5 in the run {}"),
        ("windows.stride=2", "windows.stride is 1 in the run {} and 2 in the run {}"),
        ("splits.purge=3", "splits.purge is 0 in the run {} and 3 in the run {}"),
    ],
)
def test_runs_that_forecast_other_steps_are_refused(side: Callable[..., Side], override: str, message: str) -> None:
    first, second = side(), side(override)
    with pytest.raises(StoredRunError) as error:
        refuse_unlike(stored(first), stored(second))
    (found,) = error.value.messages
    assert found.startswith(message.format(first.run.id, second.run.id))


def test_other_targets_are_other_data_too_and_each_difference_has_its_line(side: Callable[..., Side]) -> None:
    first, second = side(), side("dataset.targets=[y,x]")
    with pytest.raises(StoredRunError) as error:
        refuse_unlike(stored(first), stored(second))
    targets, fingerprint = error.value.messages
    assert targets.startswith(f"dataset.targets is [y] in the run {first.run.id} and [y,x] in the run {second.run.id}")
    own, other = (one.task.dataset.fingerprint()[:12] for one in (first, second))
    assert fingerprint.startswith(f"the data's fingerprint is {own} in the run {first.run.id} and {other} in the run")


def test_a_run_is_not_compared_with_itself(side: Callable[..., Side]) -> None:
    found = stored(side())
    with pytest.raises(StoredRunError, match=rf"^both words of compare mean the run {found[0].id}; name two runs"):
        refuse_unlike(found, found)


def test_context_model_training_and_path_may_differ(side: Callable[..., Side]) -> None:
    first = side()
    second = side("windows.context_length=5", "model.heads=1", "seed=3", "training.epochs=1", "dataset.season=7")
    refuse_unlike(stored(first), stored(second))


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("heads=4 seed=1", "heads=4 seed=2", ("seed=1", "seed=2")),
        ("heads=4 seed=1", "heads=4", ("heads=4 seed=1", "heads=4")),
        ("made", "learning_rate=0.1", ("made", "learning_rate=0.1")),
        ("made", "made", ("first", "second")),
        ("a" * 41, "b", ("first", "second")),
        ("both " + "a" * 40, "both b", ("a" * 40, "b")),
    ],
)
def test_names_are_the_words_that_tell_two_runs_apart(
    side: Callable[..., Side], first: str, second: str, expected: tuple[str, str]
) -> None:
    runs = []
    for name, id_ in ((first, "first"), (second, "second")):
        run = side(name=name).run
        runs.append(Run(run.folder, replace(run.record, id=id_)))
    assert names_of(*runs) == expected


def test_settings_that_differ_are_named_with_both_values(compose: Callable[..., TrainConfig]) -> None:
    first = compose("model.heads=4", "evaluate=false", "tracking=off")
    second = compose("model.heads=8", "dataset.targets=[temp,dewp]", "dataset.calendar.week=1", "+dataset.units.x=m")
    assert changed_settings(first, second) == {
        "evaluate": ("false", "true"),
        "dataset.targets": ("[temp]", "[temp,dewp]"),
        "dataset.calendar.week": ("0", "1"),
        "dataset.units.x": ("not set", "m"),
        "model.heads": ("4", "8"),
    }
    assert changed_settings(second, second) == {}
