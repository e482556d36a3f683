"""Generated checkpoints, with right digests: each is a training that can be gone on with, or refused in one line."""

import copy
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headway import checked_folder
from headway.errors import StoredRunError
from headway.training.checkpoint import FORMAT, Checkpoints
from headway.training.progress import Progress

ARRAY = np.arange(6, dtype="<f4")
WHOLE: dict[str, Any] = {
    "format": FORMAT,
    "identity": {"precision": "float32"},
    "seed": 7,
    "seconds": 1.5,
    "networks": [
        {
            "epoch": 1,
            "step": 0,
            "arrays": None,
            "history": {"loss": [0.5]},
            "best_epoch": 0,
            "waited": 0,
            "rollbacks": 0,
            "finished": True,
            "digest": "d",
            "planned": True,
        },
        {
            "epoch": 0,
            "step": 5,
            "arrays": None,
            "history": {},
            "best_epoch": -1,
            "waited": 0,
            "rollbacks": 1,
            "finished": False,
            "digest": "",
            "planned": True,
        },
    ],
    "arrays": [
        {"name": "0/best/kernel", "type": "float32", "shape": [2, 3]},
        {"name": "1/model/0/kernel", "type": "float32", "shape": [6]},
    ],
}
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=9)
    | st.sampled_from(["float32", "O", "0/best/kernel", "9/x", "/", "..", "\0", "-1"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=8,
)


def paths(value: Any, before: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value inside of a value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [before, *(way for key, each in inner for way in paths(each, (*before, key)))]


@st.composite
def states(draw: st.DrawFn) -> Any:
    """The whole state with some of its values replaced, taken away, or joined by others."""
    state: Any = copy.deepcopy(WHOLE)
    for _ in range(draw(st.integers(1, 3))):
        way = draw(st.sampled_from(paths(state)))
        if not way:
            return draw(JSON)
        place = state
        for key in way[:-1]:
            place = place[key]
        change = draw(st.sampled_from(["replace", "remove", "add"]))
        if change == "replace":
            place[way[-1]] = draw(JSON)
        elif change == "remove":
            del place[way[-1]]
        elif isinstance(place, dict):
            place[draw(st.text(max_size=6))] = draw(JSON)
        else:
            place.insert(0, draw(JSON))
    return state


ARRAYS = st.one_of(
    st.just(ARRAY.tobytes() * 2),
    st.binary(max_size=60),
    st.lists(st.floats(width=32), min_size=12, max_size=12).map(lambda values: np.array(values, "<f4").tobytes()),
)


def goes_on_or_is_refused(state: Any, arrays: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        contents = {"state.json": json.dumps(state).encode(), "arrays.bin": arrays}
        checked_folder.write(Path(folder) / "00000001", contents)
        try:
            progress = Progress(Checkpoints(Path(folder)), identity={"precision": "float32"})
        except StoredRunError as error:
            assert error.exit_code == 4 and len(str(error).splitlines()) == 1
            return
        found = progress.begin(0)
        assert 0 <= progress.seed < 2**32 and progress.seconds >= 0
        assert found.best_epoch < max(found.epoch, 1)
        for array in found.arrays.values():
            assert np.isfinite(array).all()


def test_the_whole_one_goes_on() -> None:
    with tempfile.TemporaryDirectory() as folder:
        contents = {"state.json": json.dumps(WHOLE).encode(), "arrays.bin": ARRAY.tobytes() * 2}
        checked_folder.write(Path(folder) / "00000001", contents)
        progress = Progress(Checkpoints(Path(folder)), identity={"precision": "float32"})
        assert progress.words == "network 2, epoch 1, step 5"
        np.testing.assert_array_equal(progress.begin(0).arrays["best/kernel"], ARRAY.reshape(2, 3))


@settings(max_examples=200, derandomize=True, deadline=None)
@given(states(), ARRAYS)
def test_a_generated_checkpoint_goes_on_or_is_refused(state: Any, arrays: bytes) -> None:
    goes_on_or_is_refused(state, arrays)


@pytest.mark.slow
@settings(max_examples=3000, derandomize=True, deadline=None)
@given(states(), ARRAYS)
def test_three_thousand_generated_checkpoints_go_on_or_are_refused(state: Any, arrays: bytes) -> None:
    goes_on_or_is_refused(state, arrays)
