"""Which precision suits which device."""

import logging

import pytest

from headway.training.precision import Device, device, precision_for

CPU, V100, T4, H200 = (
    Device(name, capability, 1)
    for name, capability in (("CPU", (0, 0)), ("V100", (7, 0)), ("T4", (7, 5)), ("H200", (9, 0)))
)
P100, A100 = Device("P100", (6, 0), 2), Device("A100", (8, 0), 8)


@pytest.mark.parametrize(
    ("on", "expected"),
    [
        (CPU, "float32"),
        (P100, "float32"),
        (V100, "mixed_float16"),
        (T4, "mixed_float16"),
        (A100, "mixed_bfloat16"),
        (H200, "mixed_bfloat16"),
    ],
    ids=lambda value: value.name if isinstance(value, Device) else value,
)
def test_auto_takes_what_the_device_is_good_at(on: Device, expected: str) -> None:
    assert precision_for("auto", on) == expected


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_a_named_precision_is_taken_everywhere(precision: str) -> None:
    assert {precision_for(precision, on) for on in (CPU, P100, T4, H200)} == {precision}


def test_float16_on_a_cpu_is_called_slow(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        precision_for("mixed_float16", T4)
        assert caplog.text == ""
        precision_for("mixed_float16", CPU)
    assert "twice the time" in caplog.text


def test_the_device_here_has_a_name_and_a_count() -> None:
    found = device()
    assert found.name
    assert found.count >= 1
    assert found.is_gpu == (found.name != "CPU")
