"""The model group in words."""

from collections.abc import Callable

import pytest

from headway.config.train import TrainConfig


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ([], "1 layer, 4 heads, d_model 32, self attention; a quantile forecast reads everything encoded"),
        (
            ["model.heads=1", "model.layers=2", "model.readout=last", "model.linear_path=true", "model.head=point"],
            "2 layers, 1 head, d_model 32, self attention, linear path beside it; a point forecast reads the last encoded step",
        ),
        (
            [
                *(
                    "windows.context_length=9",
                    "model.patch_length=3",
                    "model.patch_stride=2",
                    "model.channels=separate",
                ),
                *("model.normalisation=mean", "model.linear_path=true", "model.calendar_path=true"),
            ],
            "1 layer, 4 heads, d_model 32, self attention, patches of 3 every 2, each target from its own past, windows "
            "levelled by their mean, linear and calendar path beside it; a quantile forecast reads everything encoded",
        ),
    ],
)
def test_a_network_in_words_names_what_is_not_usual(
    compose: Callable[..., TrainConfig], overrides: list[str], expected: str
) -> None:
    assert compose(*overrides).model.words == expected
