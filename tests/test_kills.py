"""Trainings that are killed go on, and end as one that was left alone: six kills here, and as many as one likes by hand."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parent.parent / "benchmarks" / "kills.py"


def killed(*words: str) -> str:
    """What the script says; it compares weights, state, history, scores and maps itself, and fails where one differs."""
    result = subprocess.run([sys.executable, str(SCRIPT), *words], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout.splitlines()[-1]


@pytest.mark.timeout(600)
def test_six_kills_leave_no_trace() -> None:
    assert killed("--kills", "6", "--tracked", "0", "training.ensemble=1", "training.epochs=3", "evaluate=false") == (
        "6 kills: every training ended to the bit as one that was left alone"
    )


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_two_hundred_kills_leave_no_trace() -> None:
    # A third of them more or less: kills are shared out evenly among three precisions.
    assert killed("--kills", "201").endswith("every training ended to the bit as one that was left alone")
