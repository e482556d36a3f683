"""What makes two trainings the same."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from headway.config.train import TrainConfig
from headway.identity import code_version, digest_of

FINGERPRINT = "f" * 64
ELSEWHERE = ("tracking", "evaluate")


def digest(config: TrainConfig, fingerprint: str = FINGERPRINT) -> str:
    return digest_of(config, fingerprint)


def leaves(settings: Any, *place: Any) -> Iterator[tuple[Any, ...]]:
    if isinstance(settings, dict) and settings:
        for key, value in settings.items():
            yield from leaves(value, *place, key)
    else:
        yield place


def different(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 3
    return f"{value} and more" if isinstance(value, str) else "something"


def changed(config: TrainConfig, place: tuple[Any, ...]) -> TrainConfig:
    """The configuration with another value at one place, whether or not it makes sense."""

    def change(part: Any, keys: tuple[Any, ...]) -> Any:
        key, *rest = keys
        old = part[key] if isinstance(part, dict) else getattr(part, key)
        new = change(old, tuple(rest)) if rest else different(old)
        return {**part, key: new} if isinstance(part, dict) else part.model_copy(update={key: new})

    return change(config, place)


@pytest.fixture(scope="module")
def config(compose: Callable[..., TrainConfig]) -> TrainConfig:
    return compose()


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")  # of values that make no sense
def test_every_setting_but_where_a_run_is_logged_and_whether_it_is_judged_makes_another_training(
    config: TrainConfig,
) -> None:
    places = list(leaves(config.model_dump()))
    assert len(places) > 60
    digests = {".".join(map(str, place)): digest(changed(config, place)) for place in places}
    own = digest(config)
    same = {key for key, found in digests.items() if found == own}
    assert same == {".".join(place) for place in places if place[0] in ELSEWHERE or place == ("dataset", "store")}
    others = [found for found in digests.values() if found != own]
    assert len(set(others)) == len(others)


def test_equal_settings_are_one_training_however_they_were_typed(compose: Callable[..., TrainConfig]) -> None:
    assert digest(compose("seed=5", "model.heads=2")) == digest(compose("model.heads=2", "seed=5"))
    assert digest(compose("training.learning_rate=0.0010")) == digest(compose("training.learning_rate=1e-3"))
    assert len(digest(compose())) == 64


def test_other_data_make_another_training(config: TrainConfig) -> None:
    assert digest(config) != digest(config, "e" * 64)


def test_changed_code_makes_another_training(project: Path, tmp_path: Path) -> None:
    """Of a copy of the package: a comment more, a file renamed, and all of it as it was."""
    copy = tmp_path / "headway"
    shutil.copytree(project / "src" / "headway", copy, ignore=shutil.ignore_patterns("__pycache__"))
    code = (
        "import json, pathlib, headway.identity as identity\n"
        "from headway.config.train import TrainConfig\n"
        "def digest(): return identity.digest_of(TrainConfig.model_construct(seed=3), 'f')\n"
        "folder = pathlib.Path(identity.__file__).parent\n"
        "versions, digests = [identity.code_version()], [digest()]\n"
        "def again():\n"
        "    identity.code_version.cache_clear()\n"
        "    versions.append(identity.code_version()); digests.append(digest())\n"
        "file = folder / 'models' / 'shape.py'; text = file.read_text()\n"
        "file.write_text(text + '# more\\n'); again()\n"
        "file.write_text(text); again()\n"
        "file.rename(folder / 'models' / 'shapes.py'); again()\n"
        "(folder / 'models' / 'shapes.py').rename(file); (folder / 'notes.txt').write_text('no code'); again()\n"
        "print(json.dumps([identity.__file__, versions, digests]))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    file, versions, digests = json.loads(done.stdout)
    first, edited, restored, renamed, with_notes = versions
    assert Path(file).is_relative_to(tmp_path)
    assert len({first, edited, renamed}) == 3
    assert [digests.index(digest) for digest in digests] == [0, 1, 0, 3, 0]
    assert first == restored == with_notes == code_version()
