"""What a run was made in, written down."""

import importlib.metadata
import re
import sys
from pathlib import Path

import pytest

from headway.tracking.provenance import environment


def test_every_installed_distribution_stands_in_it_with_its_version() -> None:
    lines = environment().splitlines()
    for name in ("numpy", "keras", "hydra-core", "mlflow"):
        assert f"{name}=={importlib.metadata.version(name)}" in lines
    packages = [line for line in lines if not line.startswith("#")]
    assert packages == sorted(packages, key=lambda line: line.partition("==")[0])
    assert all(re.fullmatch(r"[a-z0-9-]+==[\w.!+-]+", line) for line in packages)


def test_python_the_machine_and_what_changes_bits_stand_at_its_head(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    monkeypatch.delenv("XLA_FLAGS", raising=False)
    head = [line for line in environment().splitlines() if line.startswith("#")]
    assert any(line.startswith("# python: ") and f"{sys.version_info.major}.{sys.version_info.minor}." in line for line in head)  # fmt: skip
    assert any(re.search(r"[1-9]\d* cores", line) for line in head)
    assert "# TF_ENABLE_ONEDNN_OPTS: 0" in head
    assert not any("XLA_FLAGS" in line for line in head)


def test_nothing_secret_and_no_place_of_installation_stands_in_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "secretly-1.2.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: Secretly.Installed\nVersion: 1.2\n")
    (folder / "direct_url.json").write_text('{"url": "https://u:hunter2-of-nine@127.0.0.1/x.whl"}')
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("API_TOKEN", "q7Zr-kk3_9fX2vLw")
    monkeypatch.setenv("XLA_FLAGS", "--xla_a=q7Zr-kk3_9fX2vLw\n--xla_b=1")
    text = environment()
    assert "secretly-installed==1.2" in text.splitlines()
    assert "# XLA_FLAGS: --xla_a=*** --xla_b=1" in text.splitlines()
    for word in ("hunter2", "q7Zr", "://", str(tmp_path), str(Path.home()) + "/"):
        assert word not in text
