"""What a hostile file, setting, path or name may do: be refused, in one line, with nothing run and nothing touched."""

import io
import json
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headway import stored_file
from headway.errors import HeadwayError
from headway.forecaster import Forecaster
from headway.stored import Result, Stored

Place = Any
Harm = Callable[[Place], object]
GAMMA = "transformer/norm/gamma"


class Bomb:
    """What runs a command where it is unpickled."""

    def __init__(self, place: Place) -> None:
        self.command = f"touch {place.canary}"

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (self.command,)


def spec(place: Place, **changes: Any) -> None:
    """Change what a forecaster says of itself; a dotted name leads inside."""
    found = json.loads((place.forecaster / "forecaster.json").read_text())
    for name, value in changes.items():
        *groups, last = name.split("__")
        inner = found
        for group in groups:
            inner = inner[group]
        inner[last] = value
    place.forge("forecaster.json", json.dumps(found).encode())


def weights(place: Place, change: Callable[[dict[str, Any]], object], save: Callable[..., None] = np.savez) -> None:
    with np.load(place.forecaster / "weights.npz") as archive:
        found = dict(archive)
    change(found)
    file = io.BytesIO()
    save(file, **found)
    place.forge("weights.npz", file.getvalue())


def entry(place: Place, content: bytes) -> None:
    """Replace the bytes of one array in the archive, its checksum with them."""
    file = io.BytesIO()
    with zipfile.ZipFile(place.forecaster / "weights.npz") as old, zipfile.ZipFile(file, "w") as new:
        for name in old.namelist():
            new.writestr(name, content if name == f"{GAMMA}.npy" else old.read(name))
    place.forge("weights.npz", file.getvalue())


def npy(array: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


def header(shape: str, descr: str = "'<f4'") -> bytes:
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


def link(path: Path, target: Path) -> None:
    """Put a link in the place of a file or folder, to what is the same elsewhere."""
    path.rename(target)
    path.symlink_to(target)


def settings(place: Place, text: str) -> None:
    (place.run / "config.yaml").write_text(text)


def changed(place: Place, old: str, new: str) -> None:
    text = (place.run / "config.yaml").read_text()
    assert old in text
    settings(place, text.replace(old, new, 1))


LAUGHS = "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nconfig: *c\n"
EXEC = "import os; os.system('touch {canary}')"
FORECASTER: dict[str, tuple[Harm, str]] = {
    "pickle in an array": (lambda p: weights(p, lambda w: w.update({GAMMA: np.array([Bomb(p)], object)})), "gamma"),
    "pickle as an array": (lambda p: entry(p, pickle.dumps(Bomb(p))), "not a readable npz"),
    "pickle for the archive": (lambda p: p.forge("weights.npz", pickle.dumps(Bomb(p))), "not a readable npz"),
    "pickle for the spec": (lambda p: p.forge("forecaster.json", pickle.dumps(Bomb(p))), "forecaster.json"),
    "pickle for the manifest": (
        lambda p: (p.forecaster / "manifest.json").write_bytes(pickle.dumps(Bomb(p))),
        "manifest.json: not JSON",
    ),
    "pickle beside the archive's own": (
        lambda p: weights(p, lambda w: w.update(extra=np.array([Bomb(p)], object))),
        "extra and 0 more",
    ),
    "array of npy alone": (lambda p: p.forge("weights.npz", npy(np.array([Bomb(p)], object))), "not a readable npz"),
    "object type in a header": (lambda p: entry(p, header("(13,)", "'|O'") + pickle.dumps(Bomb(p))), "of the type object"),
    "code in a header": (
        lambda p: entry(p, header("(13,)", f"__import__('os').system('touch {p.canary}')")),
        "not a readable npz",
    ),
    "brackets in a header": (lambda p: entry(p, header("(" * 3000)), "not a readable npz"),
    "a header longer than all": (lambda p: entry(p, header("(13,)" + " " * 60_000)), "not a readable npz"),
    "a shape beyond all memory": (lambda p: entry(p, header("(10**15,)".replace("10**15", "1" + "0" * 15))), "the model has"),
    "a negative shape": (lambda p: entry(p, header("(-13,)")), "the model has"),
    "fewer values than the shape": (lambda p: entry(p, header("(13,)") + b"\0" * 8), "8 bytes, its shape takes 52"),
    "more values than the shape": (lambda p: entry(p, header("(13,)") + b"\0" * 4096), "its shape takes 52"),
    "a zip bomb": (lambda p: weights(p, lambda w: w.update({GAMMA: np.zeros(10**7, "f4")}), np.savez_compressed), "compressed"),
    "a long file": (lambda p: p.forge("weights.npz", b"\0" * 10**7), "10,000,000 bytes, expected at most"),
    "a name that leads out": (lambda p: weights(p, lambda w: w.update({"../../../canary": w.pop(GAMMA)})), "canary"),
    "an absolute name": (lambda p: weights(p, lambda w: w.update({str(p.canary): w.pop(GAMMA)})), "does not fit"),
    "a name with a line break": (lambda p: weights(p, lambda w: w.update({"a\nb": w.pop(GAMMA)})), "does not fit"),
    "float64": (lambda p: weights(p, lambda w: w.update({GAMMA: np.ones(13)})), "type float64"),
    "another byte order": (lambda p: weights(p, lambda w: w.update({GAMMA: np.ones(13, ">f4")})), "of the type"),
    "NaN": (lambda p: weights(p, lambda w: w.update({GAMMA: np.full(13, np.nan, "f4")})), "not finite"),
    "a model of all memory": (lambda p: spec(p, model__d_model=2**13, model__feed_forward=2**13), "the model has"),
    "a model of more": (lambda p: spec(p, model__d_model=10**30), "forecaster.json"),
    "layers without end": (lambda p: spec(p, model__layers=10**9), "model.layers=1000000000: expected a number at most"),
    "blocks without end": (lambda p: spec(p, model__layers=900, members=64), "more than 4,096 blocks"),
    "members without end": (lambda p: spec(p, members=10**9), "members=1000000000: expected a number at most 64"),
    "a context of all memory": (lambda p: spec(p, shape__context_length=2**24), "the model has"),
    "a horizon beyond numbers": (lambda p: spec(p, shape__horizon=10**18), "expected a number at most"),
    "features that are not named": (lambda p: spec(p, shape__num_features=10**6), "what it belongs to has 3"),
    "series that are not named": (lambda p: spec(p, shape__num_series=10**6), "what it belongs to has 2"),
    "a cycle without end": (lambda p: spec(p, cycles={"day": 10**9}), "expected a number at most 10000"),
    "a scale of zero": (lambda p: spec(p, scaler__scale=[0, 1, 1]), "expected a number above 0"),
    "a target outside": (lambda p: spec(p, shape__targets=[2, 99]), "not the places of targets"),
    "a class to make": (lambda p: spec(p, _target_="os.system"), "unknown key"),
    "a precision with a module": (lambda p: spec(p, precision="os.system"), "precision=os.system: expected one of"),
    "nested without end": (lambda p: p.forge("forecaster.json", b"[" * 10**6), "nested too deep"),
    "a manifest without end": (lambda p: (p.forecaster / "manifest.json").write_bytes(b" " * (2 << 20)), "expected at most"),
    "a number of a million digits": (lambda p: p.forge("forecaster.json", b"1" * 10**6), "forecaster.json"),
    "a linked folder": (lambda p: link(p.forecaster, p.outside / "forecaster"), "is a link"),
    "linked weights": (lambda p: link(p.forecaster / "weights.npz", p.outside / "w"), "is a link"),
    "a linked manifest": (lambda p: link(p.forecaster / "manifest.json", p.outside / "m"), "is a link"),
    "a pipe": (lambda p: ((p.forecaster / "weights.npz").unlink(), os.mkfifo(p.forecaster / "weights.npz")), "no regular"),
    "a device": (
        lambda p: ((p.forecaster / "weights.npz").unlink(), (p.forecaster / "weights.npz").symlink_to("/dev/zero")),
        "is a link",
    ),
}  # fmt: skip
SETTINGS: dict[str, tuple[Harm, str]] = {
    "a call": (lambda p: settings(p, f"!!python/object/apply:os.system ['touch {p.canary}']"), "could not determine a constr"),
    "an object": (lambda p: settings(p, "config: !!python/object:subprocess.Popen {args: [true]}"), "could not determine"),
    "a module": (lambda p: settings(p, "config: !!python/module:os.system"), "could not determine"),
    "a name of Python": (lambda p: settings(p, "config: !!python/name:os.system"), "could not determine"),
    "code in a value": (lambda p: changed(p, "attention: self", f'attention: "{EXEC.format(canary=p.canary)}"'), "attention"),
    "a class to make": (lambda p: changed(p, "  seed: 0", "  _target_: os.system\n  seed: 0"), "unknown key"),
    "settings of Hydra": (lambda p: changed(p, "  seed: 0", "  hydra: {callbacks: {}}\n  seed: 0"), "unknown key"),
    "laughs": (lambda p: settings(p, LAUGHS), "aliases are not allowed"),
    "merged keys": (lambda p: settings(p, "a: &a {x: 1}\nconfig: {<<: *a}"), "aliases are not allowed"),
    "nested without end": (lambda p: settings(p, "[" * 50_000), "nested too deep"),
    "without end": (lambda p: settings(p, "# " + "x" * (2 << 20)), "expected at most"),
    "pickle": (lambda p: (p.run / "config.yaml").write_bytes(pickle.dumps(Bomb(p))), "not a configuration"),
    "a number of a million digits": (lambda p: changed(p, "seed: 0", "seed: " + "9" * 10**5), "not a configuration"),
    "a linked file": (lambda p: link(p.run / "config.yaml", p.outside / "linked.yaml"), "is a link"),
    "a linked run": (lambda p: link(p.run, p.outside / "run"), "is a link"),
    "a pipe": (lambda p: ((p.run / "config.yaml").unlink(), os.mkfifo(p.run / "config.yaml")), "no regular file"),
    "interpolation": (lambda p: changed(p, "name: nyc_weather", "name: ${oc.env:HOME}\n    x: 1"), "unknown key"),
}  # fmt: skip
RESULTS: dict[str, tuple[Harm, str]] = {
    "nested without end": (lambda p: (p.run / "training.json").write_text("[" * 10**6), "missing or damaged"),
    "no numbers": (lambda p: (p.run / "training.json").write_text('{"metrics": {"a": NaN}, "task": "t"}'), "NaN is no"),
    "without end": (lambda p: (p.run / "training.json").write_text(" " * (2 << 20)), "expected at most"),
    "a linked file": (lambda p: link(p.run / "training.json", p.outside / "t.json"), "is a link"),
}
CALLBACK = "hydra: {callbacks: {x: {_target_: os.system, command: 'touch CANARY'}}}"
LOGGING = "{version: 1, handlers: {x: {class: subprocess.Popen, args: [touch, CANARY]}}, root: {handlers: [x]}}"
PACKED = "# @package _global_\n"
# Words that are typed, with what experiment=mine holds.
TYPED: dict[str, tuple[list[str], str, str]] = {
    "a callback": ([], CALLBACK, "hydra.callbacks"),
    "a launcher's inner class": ([], "hydra: {launcher: {x: {_target_: os.system}}}", "Key 'x' not in 'BasicLauncherConf'"),
    "a free key of a launcher": (
        ["hydra/launcher=submitit_slurm"],
        "hydra: {launcher: {additional_parameters: {_target_: os.system, command: 'touch CANARY'}}}",
        "hydra.launcher.additional_parameters._target_: names code",
    ),
    "a shell line of a launcher": (
        ["hydra/launcher=submitit_slurm"],
        "hydra: {launcher: {setup: ['touch CANARY']}}",
        "hydra.launcher.setup",
    ),
    "a line of a launcher's script": (
        ["hydra/launcher=submitit_slurm"],
        'hydra: {launcher: {partition: "x\\ntouch CANARY"}}',
        "hydra.launcher.partition",
    ),
    "a launcher of one's own": ([], "hydra: {launcher: {_target_: os.system}}", "hydra.launcher._target_=os.system"),
    "a sweeper of one's own": ([], "hydra: {sweeper: {_target_: os.system}}", "hydra.sweeper._target_=os.system"),
    "logging of a job": ([], f"hydra: {{job_logging: {LOGGING}}}", "hydra.job_logging"),
    "logging of Hydra": ([], f"hydra: {{hydra_logging: {LOGGING}}}", "hydra.hydra_logging"),
    "a log elsewhere": (["hydra/job_logging=default"], "", "hydra.job_logging"),
    "a folder elsewhere": (["hydra.run.dir=../outside/new"], "", "hydra.run.dir"),
    "a folder of a yaml elsewhere": ([], "hydra: {run: {dir: ../outside/new}}", "hydra.run.dir"),
    "Hydra's own files": (["hydra.output_subdir=.hydra"], "", "hydra.output_subdir"),
    "another folder to work in": (["hydra.job.chdir=true"], "", "hydra.job.chdir"),
    "variables of the job": ([], "hydra: {job: {env_set: {PYTHONSTARTUP: x.py}}}", "hydra.job.env_set"),
    "a sweep elsewhere": (["-m", "seed=1,2", "hydra.sweep.dir=../outside/new"], "", "hydra.sweep.dir"),
    "a sweep below elsewhere": (["-m", "seed=1,2", "hydra.sweep.subdir=../../x"], "", "hydra.sweep.subdir"),
    "a name of a sweep": (["-m", "seed=1,2", "sweep.name=../../outside/x"], "", "sweep.name"),
    "a class among settings": (["+model._target_=os.system"], "", "model._target_: unknown key"),
    "a class in a yaml": ([], "model: {_target_: os.system}", "model._target_"),
    "code for a choice": (["model.attention=__import__(os)"], "", "error:"),
    "a yaml of Python": ([], f"seed: !!python/object/apply:os.system ['touch CANARY']\n{PACKED}", "error:"),
    "another config": (["--config-dir", "../outside", "--config-name", "../work/mine"], "", "error:"),
    "a tracking store of a scheme": (["tracking.uri=file:///etc/passwd"], "", "tracking.uri must start with"),
    "a tracking store of plugins": (["tracking.uri=databricks-uc://x"], "", "tracking.uri must start with"),
    "a storage of plugins": (["-m", "seed=1,2", "sweep.storage=evil+x://h"], "", "sweep.storage"),
    "a backend of a module": (["backend=os.system"], "", "backend=os.system: expected one of"),
}  # fmt: skip
# How a run is named, and the exit code.
RUNS = {"../../outside": 4, "/etc": 4, "..": 4, "runs/x": 4, "a\\b": 4, "%2e%2e": 4, "x\ny": 2, "\u202egnp": 2}


def outcome(act: Callable[[], object]) -> tuple[int, str]:
    try:
        act()
    except HeadwayError as error:
        return error.exit_code, str(error)
    return 0, ""


def check(place: Place, act: Callable[[], tuple[int, str]], *, code: int, words: str) -> None:
    before = place.snapshot()
    found = act()
    assert (found[0], words in found[1]) == (code, True), found
    more = found[1].strip().splitlines()[1:]
    assert all(line.startswith("error: ") for line in more), found  # a line for each mistake, and no traceback
    assert place.snapshot() == before
    assert not place.canary.exists()


@pytest.mark.parametrize("attack", FORECASTER)
def test_a_hostile_forecaster_is_refused(place: Place, attack: str) -> None:
    harm, words = FORECASTER[attack]
    harm(place)
    check(place, lambda: outcome(lambda: Forecaster.load(place.forecaster)), code=4, words=words)


@pytest.mark.parametrize("attack", SETTINGS)
def test_hostile_settings_of_a_stored_run_are_refused(place: Place, attack: str) -> None:
    harm, words = SETTINGS[attack]
    harm(place)
    check(place, lambda: outcome(lambda: Stored.read(place.run)), code=4, words=words)


@pytest.mark.parametrize("attack", RESULTS)
def test_a_hostile_result_of_a_stored_run_is_refused(place: Place, attack: str) -> None:
    harm, words = RESULTS[attack]
    harm(place)
    check(place, lambda: outcome(lambda: Result.read(place.run)), code=4, words=words)


@pytest.mark.parametrize("attack", TYPED)
def test_hostile_settings_end_at_the_door(place: Place, type_in: Callable[..., Any], attack: str) -> None:
    words, yaml, message = TYPED[attack]
    if yaml:
        (place.work / "experiment").mkdir()
        (place.work / "experiment/mine.yaml").write_text(PACKED + yaml.replace("CANARY", str(place.canary)) + "\n")
        words = ["--config-dir", ".", "experiment=mine", *words]
    check(place, lambda: type_in(place.work, "train.py", *words), code=2, words=message)


@pytest.mark.parametrize("name", RUNS)
def test_a_name_of_a_run_leads_nowhere(place: Place, type_in: Callable[..., Any], name: str) -> None:
    check(
        place, lambda: type_in(place.work, "evaluate.py", "tracking=off", f'run="{name}"'), code=RUNS[name], words="run"
    )


def test_the_table_is_as_long_as_it_should_be_and_its_inputs_differ() -> None:
    tables = (FORECASTER, SETTINGS, RESULTS, TYPED)
    assert sum(map(len, tables)) + len(RUNS) >= 80


def test_without_an_attack_the_same_place_is_read(place: Place) -> None:
    assert Forecaster.load(place.forecaster).targets == ("pressure", "temp")
    assert Stored.read(place.run).config.seed == 0
    assert Result.read(place.run).metrics == {"validation/best_error": 1.5}


def test_a_bomb_goes_off_where_it_is_unpickled(place: Place) -> None:
    """The canary sings: a test that could not see an attack succeed would prove nothing."""
    pickle.loads(pickle.dumps(Bomb(place)))
    assert place.canary.exists()


def test_a_file_may_be_as_long_as_it_may_be_and_no_longer(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    assert stored_file.read(tmp_path / "file", most=5) == b"12345"
    with pytest.raises(HeadwayError, match="5 bytes, expected at most 4"):
        stored_file.read(tmp_path / "file", most=4)
