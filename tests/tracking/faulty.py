"""A tracking server that fails on purpose, alone or in front of a real one, and what a store must hold in the end."""

import http.client
import json
import math
import re
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class Faulty:
    """Serves on 127.0.0.1, and answers as `mode` says: `pass` hands on to the server behind it.

    Args:
        behind: The port of a real server, or None.
    """

    def __init__(self, behind: int | None = None) -> None:
        self.mode, self.behind = "pass", behind
        self.requests = 0
        # After so many requests, or at the first whose path holds this, the mode becomes the next.
        self.after: int | None = None
        self.at = ""
        self.then = "pass"
        self.over = threading.Event()
        self.port = 0
        self.start()

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        handler = type("Handler", (_Handler,), {"faulty": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        self.mode = "reset"  # for connections that are open
        self._server.shutdown()
        self._server.server_close()

    def mend(self) -> None:
        self.mode, self.after, self.at = "pass", None, ""

    def plan(self, mode: str, *, when: str) -> None:
        """Fail so at the start, in the middle or at the end of a run."""
        self.then = mode
        if when == "start":
            self.mode = mode
        elif when == "middle":
            self.after = self.requests + 11
        else:
            self.at = "runs/update"

    def mode_for(self, path: str) -> str:
        self.requests += 1
        if (self.after is not None and self.requests > self.after) or (self.at and self.at in path):
            self.mode, self.after, self.at = self.then, None, ""
        return self.mode


class _Handler(BaseHTTPRequestHandler):
    faulty: Faulty
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        match self.faulty.mode_for(self.path):
            case "pass":
                self._hand_on(body)
            case "slow":
                self.faulty.over.wait(1.5)
                self._hand_on(body)
            case "hang":
                self.faulty.over.wait(60)
                self.close_connection = True
            case "lost":  # done, but nobody hears of it
                self._hand_on(body, answer=False)
            case "reset":
                self.close_connection = True
            case "500":
                self._say(500, b"oops")
            case "401":
                self._say(401, b'{"error_code": "UNAUTHENTICATED", "message": "who are you?"}')
            case "302":
                self._say(302, b"", Location="/login")
            case "garbage":
                self._say(200, b"<html>It works!</html>")
            case "empty":
                self._say(200, b"{}")

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815

    def _hand_on(self, body: bytes, *, answer: bool = True) -> None:
        if self.faulty.behind is None:
            self._say(404, b"{}")
            return
        connection = http.client.HTTPConnection("127.0.0.1", self.faulty.behind, timeout=60)
        passed = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection")}
        connection.request(self.command, self.path, body=body, headers=passed)
        response = connection.getresponse()
        content = response.read()
        connection.close()
        if answer:
            kind = response.getheader("Content-Type") or "application/json"
            self._say(response.status, content, **{"Content-Type": kind})
        else:
            self.close_connection = True

    def _say(self, status: int, content: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *words: object) -> None:
        pass


def lines(path: Path) -> list[dict[str, Any]]:
    found = path.read_text().split("\n") if path.exists() else []
    return [json.loads(line) for line in found if line]


def assert_complete(client: Any, folder: Path, experiment: str) -> None:
    """The store holds one run of this folder, with every metric of the journals once, every file and every picture."""
    found = client.get_experiment_by_name(experiment)
    runs = client.search_runs([found.experiment_id], f"tags.`headway.id` = '{folder.name}'")
    assert len(runs) == 1
    (run,) = runs
    record = json.loads((folder / "run.json").read_text())
    assert record["mlflow_run_id"] == run.info.run_id
    expected: Counter[tuple[str, int, int, float]] = Counter()
    for line in lines(folder / "metrics.jsonl") + lines(folder / "system.jsonl"):
        values = {name: float(value) for name, value in line["metrics"].items()}
        moment = int(line["time"] * 1000)
        expected.update((name, line["step"], moment, value) for name, value in values.items() if math.isfinite(value))
    names = {name for name, *_ in expected}
    assert set(run.data.metrics) == names
    stored = [point for name in names for point in client.get_metric_history(run.info.run_id, name)]
    assert Counter((point.key, point.step, point.timestamp, point.value) for point in stored) == expected
    wanted = lines(folder / "mirror.jsonl")
    params = {key: value for line in wanted if line["kind"] == "params" for key, value in line["values"].items()}
    assert run.data.params == params
    tags = {key: value for line in wanted if line["kind"] == "tags" for key, value in line["values"].items()}
    assert {key: run.data.tags.get(key) for key in tags} == tags
    there = dict(artifacts(client, run.info.run_id, None))
    for name in {line["name"] for line in wanted if line["kind"] == "files"}:
        files = [folder / name] if (folder / name).is_file() else list((folder / name).rglob("*.*"))
        assert {str(file.relative_to(folder)): file.stat().st_size for file in files}.items() <= there.items()
    pictures = Counter(
        found.groups() for path in there if (found := re.search(r"images/(.+?)\+step\+(\d+)\+.*\.png", path))
    )
    images = {(line["key"].replace("/", "~"), str(line["step"])) for line in wanted if line["kind"] == "image"}
    assert pictures == Counter(images)
    assert run.info.status == {"finished": "FINISHED", "killed": "KILLED", "failed": "FAILED"}[record["status"]]
    assert run.info.end_time is not None
    assert len(run.inputs.dataset_inputs) == len({line["kind"] for line in wanted if line["kind"] == "dataset"})


def artifacts(client: Any, run_id: str, path: str | None) -> list[tuple[str, int]]:
    found = client.list_artifacts(run_id, path)
    below = [each for folder in found if folder.is_dir for each in artifacts(client, run_id, folder.path)]
    return [(each.path, each.file_size) for each in found if not each.is_dir] + below
