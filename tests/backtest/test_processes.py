"""How many processes a backtest takes."""

import joblib
import pytest

from headway.backtest.processes import number_of
from headway.training.precision import Device

CPU, GPU = Device("CPU", (0, 0), 1), Device("NVIDIA H200", (9, 0), 1)


@pytest.mark.parametrize(
    ("asked", "jobs", "on", "cores", "expected"),
    [
        (None, 12, CPU, 1, 1),
        (None, 12, CPU, 11, 5),
        (None, 3, CPU, 11, 3),
        (None, 12, GPU, 11, 1),
        (7, 12, CPU, 2, 7),
        (7, 12, GPU, 2, 7),
        (7, 2, CPU, 2, 2),
    ],
)
def test_processes_are_those_asked_for_else_one_per_two_cores_and_one_on_a_gpu(
    monkeypatch: pytest.MonkeyPatch, asked: int | None, jobs: int, on: Device, cores: int, expected: int
) -> None:
    monkeypatch.setattr(joblib, "cpu_count", lambda: cores)
    assert number_of(asked, jobs, on=on) == expected
