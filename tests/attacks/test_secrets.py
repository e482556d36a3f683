"""Twelve secrets in every place a secret may come from, looked for in every byte that is written or said."""

import base64
import contextlib
import gzip
import http.server
import io
import re
import sqlite3
import threading
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

CANARIES = [f"canary{number:02d}{word}9Z" for number, word in enumerate(["wren", "robin", "finch", "heron", "crane", "stork", "eagle", "raven", "goose", "quail", "snipe", "egret"])]  # fmt: skip
ENVIRONMENT = {
    "MLFLOW_TRACKING_PASSWORD": CANARIES[0],
    "MLFLOW_TRACKING_TOKEN": CANARIES[1],
    "AWS_SECRET_ACCESS_KEY": CANARIES[2],
    "AWS_SESSION_TOKEN": CANARIES[3],
    "DATABASE_URL": f"postgresql://app:{CANARIES[4]}@127.0.0.1:1/app",
    "DEPLOY_KEY": CANARIES[5],
    "SERVICE_CREDENTIALS": CANARIES[6],
    "SIGNING_SECRET": CANARIES[7],
}
IN_URI, IN_QUERY, IN_STORAGE, TYPED = CANARIES[8:]
QUICK = [
    "dataset=csv",
    "dataset.path=own.csv",
    "dataset.timestamp=time",
    "dataset.targets=[load]",
    "dataset.series=place",
]
QUICK += [
    "training=fast",
    "training.epochs=1",
    "training.batch_size=64",
    "evaluation=quick",
    "evaluation.explain_windows=0",
]
QUICK += ["evaluation.rivals=[persistence]", "tracking.system_metrics=false"]

# Names of columns that would act, if names did.
MARKUP, OUTSIDE = "<img src=x onerror=alert(1)>![x](http://127.0.0.1:1/x)", "../../../../canary"

TypeIn = Callable[..., tuple[int, str]]


class Echo(http.server.BaseHTTPRequestHandler):
    """A tracking server that fails and tells in its answer all that it was told."""

    def do_GET(self) -> None:
        told = f"{self.path} {self.headers}"
        for word in re.findall(r"Basic (\S+)", told):
            told += base64.b64decode(word).decode()
        self.send_response(500)
        self.end_headers()
        self.wfile.write(told.encode())

    do_POST = do_GET  # noqa: N815

    def log_message(self, *words: object) -> None:
        pass


@pytest.fixture
def echo() -> Iterator[str]:
    """The address of such a server, host and port."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder far from the root of its tree with a small file of data, in an environment full of secrets."""
    folder = tmp_path / "a/folder/to/work/in"
    folder.mkdir(parents=True)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    times = np.datetime64("2024-01-01T00", "s") + np.arange(409) * np.timedelta64(1, "h")
    load = 50 + 9 * np.sin(np.arange(409) / 24 * 2 * np.pi) + np.random.default_rng(5).normal(size=409)
    rows = [
        f"{time},{value:.3f},{number % 7},{number % 5},{'<i>' if number % 2 else '../x'}"
        for number, (time, value) in enumerate(zip(times, load, strict=True))
    ]
    (folder / "own.csv").write_text("\n".join([f"time,load,{MARKUP},{OUTSIDE},place", *rows, ""]))
    return folder


def held(content: bytes) -> Iterator[bytes]:
    """What a file holds: its bytes, and what its archives and compressed parts hold."""
    yield content
    if zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            yield from (archive.read(name) for name in archive.namelist())
    if content[:2] == b"\x1f\x8b":
        yield gzip.decompress(content)
    for stream in re.findall(rb"(?:zTXt|iTXt|iCCP)[^\0]+\0+(x.+?)(?:IDAT|IEND)", content, re.DOTALL):
        yield zlib.decompressobj().decompress(stream)


def leaks(folder: Path, said: str) -> set[str]:
    """Which secrets stand where, in any spelling that survives a search."""
    places = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    spelled = {one: (one.encode(), one.encode("utf-16-le"), base64.b64encode(one.encode())[:-4]) for one in CANARIES}
    return {
        f"{secret} in {place}"
        for place, content in (places | {"what was said": said.encode()}).items()
        for part in held(content)
        for secret, spellings in spelled.items()
        if any(spelling in part for spelling in spellings)
    }


def test_a_run_whose_server_repeats_its_secrets_holds_none_and_can_be_judged(
    folder: Path, echo: str, type_in: TypeIn
) -> None:
    uri = f"tracking.uri='http://trainer:{IN_URI}@{echo}/?token={IN_QUERY}'"
    code, said = type_in(folder, "train.py", *QUICK, "evaluate=false", uri)
    assert code == 0, said
    assert "MLflow at http://127.0.0.1" in said  # it failed, and its answer with the secrets reached the warning
    assert "***" in said
    (settings,) = folder.glob("runs/*/config.yaml")
    assert "uri: http://***@127.0.0.1" in settings.read_text()
    judged, words = type_in(folder, "evaluate.py", "tracking=off")
    assert judged == 0, words
    assert leaks(folder, said + words) == set()


@pytest.mark.slow
def test_a_run_in_a_database_holds_no_secret(folder: Path, type_in: TypeIn) -> None:
    code, said = type_in(folder, "train.py", *QUICK, "tracking.uri=sqlite:///mlflow.db")
    assert code == 0, said
    assert (folder / "mlflow.db").stat().st_size > 100_000
    assert leaks(folder, said) == set()
    (run,) = [path.parent for path in folder.glob("runs/*/run.json")]
    page = (run / "report.html").read_text()
    assert "&lt;img src=x onerror" in page
    assert not re.search(r"<(script|img src=x|i>)", page)
    with contextlib.closing(sqlite3.connect(folder / "mlflow.db")) as database:
        ((note,),) = database.execute("SELECT value FROM tags WHERE key = 'mlflow.note.content'")
    assert not re.search(r"<|!\[x\]|\]\(http", note)
    assert {path.name for path in folder.iterdir()} <= {"own.csv", "runs", "mlflow.db", "mlflow.db.lock", "mlartifacts"}
    assert not list(folder.parents[4].rglob("canary*"))


REFUSED: dict[str, tuple[list[str], int]] = {
    "interpolated into a unit": (["+dataset.units.load=${oc.env:SIGNING_SECRET}"], 2),
    "interpolated into a name": (["dataset.name=feed-${oc.env:DEPLOY_KEY}"], 2),
    "interpolated into an experiment": (["tracking.experiment=${oc.env:AWS_SESSION_TOKEN}"], 2),
    "interpolated into a path": (["dataset.path=${oc.env:DATABASE_URL}"], 2),
    "typed as a name": ([f"dataset.name={CANARIES[5]}"], 2),
    "typed in an address": ([f"dataset.source=https://u:{TYPED}@127.0.0.1/own.csv"], 2),
    "typed as a token": ([f"dataset.source='https://127.0.0.1/own.csv?token={TYPED}'"], 2),
    "typed as a path": ([f"dataset.path=https://u:{TYPED}@127.0.0.1/own.csv"], 2),
    "in the wrong place": ([f"seed=https://u:{TYPED}@127.0.0.1"], 2),
    "in a store of a wrong kind": ([f"tracking.uri=redis://u:{IN_URI}@127.0.0.1"], 2),
    "among the values of a sweep": (["-m", f"dataset.name=b,{CANARIES[5]}", "sweep.dry_run=true"], 2),
    "in a list of addresses": ([f"tracking.uri=['https://u:{IN_URI}@127.0.0.1']"], 2),
    "in a storage without a sweep": ([f"sweep.storage=postgresql://u:{IN_STORAGE}@127.0.0.1/x"], 2),
    "in a storage that is not there": (["-m", "seed=1,2", f"sweep.storage=postgresql://u:{IN_STORAGE}@127.0.0.1:1/x"], 2),
    "in jobs that are files": (
        ["-m", "seed=1,2", "hydra/launcher=submitit_local", f"sweep.storage=postgresql://u:{IN_STORAGE}@127.0.0.1:1/x"],
        2,
    ),
    "in a key": ([f"+{CANARIES[5]}=1"], 2),
}  # fmt: skip


@pytest.mark.parametrize("how", REFUSED)
def test_a_secret_where_none_may_be_is_refused_and_not_repeated(folder: Path, type_in: TypeIn, how: str) -> None:
    words, code = REFUSED[how]
    before = sorted(folder.rglob("*"))
    found, said = type_in(folder, "train.py", *words[: words.count("-m")], *QUICK, *words[words.count("-m") :])
    assert found == code, said
    assert said.startswith("error: ")
    assert "Traceback" not in said
    assert leaks(folder, said) == set()
    if "-m" not in words:
        assert sorted(folder.rglob("*")) == before


def test_the_secrets_are_twelve_and_a_leak_would_be_seen(tmp_path: Path) -> None:
    assert len(set(CANARIES)) == 12
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("name", CANARIES[3] * 3)
    (tmp_path / "plain").write_text(f"x{CANARIES[4]}x")
    found: set[Any] = leaks(tmp_path, CANARIES[5])
    assert found == {f"{CANARIES[3]} in a.npz", f"{CANARIES[4]} in plain", f"{CANARIES[5]} in what was said"}
