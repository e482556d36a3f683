"""A checkpoint is read as it was written, or refused."""

import hashlib
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headway.errors import StorageError, StoredRunError
from headway.training.checkpoint import FORMAT, Checkpoint, Checkpoints, unpack
from headway.training.progress import Progress
from headway.training.state import TrainingState

HEADER = {"seed": 7, "identity": {"precision": "float32"}, "seconds": 1.5, "networks": []}
FILES = ("arrays.bin", "state.json", "manifest.json")


def arrays(seed: int = 0) -> dict[str, Any]:
    generator = np.random.default_rng(seed)
    return {
        "kernel": generator.normal(size=(5, 7)).astype("float32"),
        "scale": np.float32(32768.0).reshape(()),
        "seeds": generator.integers(0, 2**32, size=3, dtype="uint32"),
        "steps": np.array(2**40, "int64"),
        "none": np.zeros((0, 3), "float32"),
    }


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    """The folder of one checkpoint."""
    Checkpoints(tmp_path / "checkpoints").write(Checkpoint(HEADER, arrays()))
    return tmp_path / "checkpoints" / "00000001"


def rewrite(folder: Path, name: str, content: bytes) -> None:
    """Replace a file, and its digest with it, as somebody would who means harm."""
    (folder / name).write_bytes(content)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest[name] = hashlib.sha256(content).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))


def test_what_is_read_is_what_was_written(stored: Path) -> None:
    found = unpack(stored)
    assert {**found.header, "format": None} == {**HEADER, "format": None}
    assert list(found.arrays) == list(arrays())
    for name, value in arrays().items():
        np.testing.assert_array_equal(found.arrays[name], value, strict=True)


def corrupted(content: bytes, draw: random.Random) -> bytes:
    """The bytes with one thing wrong with them."""
    kind = draw.choice(["bit", "bit", "byte", "zeros", "cut", "longer", "swapped", "empty"])
    place = draw.randrange(len(content))
    length = draw.randint(1, 64)
    if kind == "bit":
        return content[:place] + bytes([content[place] ^ 1 << draw.randrange(8)]) + content[place + 1 :]
    if kind == "byte":
        return content[:place] + bytes([draw.randrange(256)]) + content[place + 1 :]
    if kind == "zeros":
        return content[:place] + bytes(len(content[place : place + length])) + content[place + length :]
    if kind == "cut":
        return content[:place]
    if kind == "longer":
        return content + draw.randbytes(length)
    if kind == "swapped":
        half = len(content) // 2
        return content[half:] + content[:half]
    return b""


def says_the_same(content: bytes, whole: bytes) -> bool:
    """Whether two texts differ in their white space alone, as a manifest may."""
    return content.split() == whole.split() and whole.startswith(b"{\n")


def test_none_of_a_thousand_corruptions_is_loaded(stored: Path) -> None:
    draw, refused = random.Random(3), 0
    whole = {name: (stored / name).read_bytes() for name in FILES}
    while refused < 1000:
        name = draw.choice(FILES)
        content = corrupted(whole[name], draw)
        if content == whole[name] or says_the_same(content, whole[name]):
            continue
        (stored / name).write_bytes(content)
        with pytest.raises(StoredRunError) as error:
            unpack(stored)
        assert len(str(error.value).splitlines()) == 1 and str(stored.name) in str(error.value)
        (stored / name).write_bytes(whole[name])
        refused += 1
    assert unpack(stored).header["seed"] == 7


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_missing_is_named(stored: Path, name: str) -> None:
    (stored / name).unlink()
    with pytest.raises(StoredRunError, match=name):
        unpack(stored)


HOSTILE: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "newer format": (lambda state: state.update(format=FORMAT + 1), "another version of headway; this one reads"),
    "float64": (lambda state: state["arrays"][0].update(type="float64"), "one of the types"),
    "objects": (lambda state: state["arrays"][0].update(type="O"), "one of the types"),
    "larger than the file": (lambda state: state["arrays"][0].update(shape=[10**9, 10**3]), "does not hold kernel"),
    "smaller than the file": (lambda state: state["arrays"][0].update(shape=[5, 6]), "longer than its arrays|whole"),
    "negative": (lambda state: state["arrays"][0].update(shape=[-5, -7]), "is no shape"),
    "true as a length": (lambda state: state["arrays"][0].update(shape=[True, 35]), "is no shape"),
    "no shape": (lambda state: state["arrays"][0].pop("shape"), "KeyError"),
    "twice": (lambda state: state["arrays"][2].update(name="kernel"), "does not hold kernel once"),
    "a mapping of arrays": (lambda state: state.update(arrays={"a": 1}), "TypeError|string indices"),
    "no arrays": (lambda state: state.pop("arrays"), "KeyError"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_what_is_stored_under_a_right_digest_must_still_make_sense(stored: Path, kind: str) -> None:
    change, message = HOSTILE[kind]
    state = json.loads((stored / "state.json").read_text())
    change(state)
    rewrite(stored, "state.json", json.dumps(state).encode())
    with pytest.raises(StoredRunError, match=message):
        unpack(stored)


@pytest.mark.parametrize("content", [b"NaN", b'{"format": NaN}', b"[]", b"null", b"\xff", b"[" * 100_000])
def test_a_state_that_is_no_plain_mapping_is_refused(stored: Path, content: bytes) -> None:
    rewrite(stored, "state.json", content)
    with pytest.raises(StoredRunError):
        unpack(stored)


def test_a_damaged_checkpoint_is_named_and_the_one_before_it_taken(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    checkpoints = Checkpoints(tmp_path)
    for seed in range(3):
        checkpoints.write(Checkpoint({**HEADER, "seed": seed}, arrays(seed)))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["00000002", "00000003"]
    (tmp_path / "00000003" / "arrays.bin").write_bytes(b"something else")
    found = checkpoints.newest()
    assert found is not None and found.header["seed"] == 1
    assert "00000003/arrays.bin" in caplog.text and "the checkpoint before it is taken" in caplog.text
    (tmp_path / "00000002" / "manifest.json").unlink()
    with pytest.raises(StoredRunError, match="no other checkpoint is whole") as error:
        checkpoints.newest()
    assert error.value.exit_code == 4


def test_one_that_an_interruption_saved_does_not_replace_the_planned_one(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path)
    for seed, planned in enumerate([True, True, False, False]):
        checkpoints.write(Checkpoint({**HEADER, "seed": seed}, arrays()), planned=planned)
    newest, planned_one = checkpoints.newest(), checkpoints.newest(planned=True)
    assert newest is not None and newest.header["seed"] == 3
    assert planned_one is not None and planned_one.header["seed"] == 1
    assert len(list(tmp_path.iterdir())) == 2


def test_without_a_whole_one_there_is_nothing_to_go_on_with(tmp_path: Path) -> None:
    (tmp_path / ".00000001.99.abcdef.tmp").mkdir()
    assert Checkpoints(tmp_path).newest() is None and not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").write_text("a file is in the way")
    with pytest.raises(StorageError, match=r"the checkpoint cannot be written.*resume=auto") as error:
        Checkpoints(tmp_path / "checkpoints").write(Checkpoint(HEADER, arrays()))
    assert error.value.exit_code == 6


def test_an_array_that_no_type_fits_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="float64 cannot be stored"):
        Checkpoints(tmp_path).write(Checkpoint(HEADER, {"wide": np.zeros(3)}))
    assert not list(tmp_path.glob("0*"))


def state(**changes: Any) -> dict[str, Any]:
    """A state as a checkpoint lists it."""
    return {
        "epoch": 1,
        "step": 5,
        "arrays": None,
        "history": {"loss": [0.5]},
        "best_epoch": 0,
        "waited": 0,
        "rollbacks": 0,
        "finished": False,
        "digest": "",
        "planned": True,
        **changes,
    }


@pytest.mark.parametrize(
    ("networks", "values", "message"),
    [
        ([state(epoch="1")], {}, "whole numbers"),
        ([state(epoch=-1)], {}, "whole numbers"),
        ([state(history={"loss": [0.5, 0.4]})], {}, "not of the epochs that are done"),
        ([state(best_epoch=1)], {}, "not of the epochs that are done"),
        ([{**state(), "more": 1}], {}, "a state has"),
        ([state(), state()], {}, "begun before the one before it was finished"),
        ([state()], {"0/model/0/kernel": np.array([1.0, np.nan], "float32")}, "holds a value that is not finite"),
        ([state()], {"1/model/0/kernel": np.zeros(2, "float32")}, "does not hold what it should"),
        ([state()], {"kernel": np.zeros(2, "float32")}, "does not hold what it should"),
        ("network", {}, "does not hold what it should"),
    ],
)
def test_a_training_that_cannot_have_been_is_refused(
    tmp_path: Path, networks: Any, values: dict[str, Any], message: str
) -> None:
    Checkpoints(tmp_path).write(Checkpoint({**HEADER, "networks": networks}, values))
    with pytest.raises(StoredRunError, match=message):
        Progress(Checkpoints(tmp_path))


def test_a_training_is_found_again_as_it_was_kept(tmp_path: Path) -> None:
    first = Progress(Checkpoints(tmp_path), seed=3)
    kept = TrainingState(epoch=2, step=4, arrays={"best/a": np.ones(3, "float32")}, history={"loss": (0.1, 1 / 3)})
    assert first.begin(0) == TrainingState()
    first.save(kept)
    again = Progress(Checkpoints(tmp_path), seed=99)
    found = again.begin(0)
    assert again.is_resumed and again.seed == 3 and again.seconds >= 0
    assert (found.epoch, found.step, found.history) == (2, 4, {"loss": (0.1, 1 / 3)})
    np.testing.assert_array_equal(found.arrays["best/a"], kept.arrays["best/a"], strict=True)
    assert again.words == "epoch 3, step 4"
