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


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["model.d_model=24", "model.heads=4", "model.feed_forward=7"], 11 * 6 * 24 * 3 * 24),
        (["model.d_model=24", "model.heads=4", "model.feed_forward=101"], 11 * 6 * 24 * 101),
        (["model.d_model=24", "model.heads=5", "model.key_dim=3", "model.feed_forward=7"], 11 * 6 * 24 * 45),
        (["model=patches", "windows.context_length=96", "model.d_model=8", "model.feed_forward=50", "model.patch_length=16",
          "model.patch_stride=8", "model.channels=separate", "dataset.targets=[temp,dewp,humid]"], 11 * 11 * 3 * 8 * 50),
    ],
)  # fmt: skip
def test_the_largest_product_of_a_block_is_its_rows_by_its_widest_layer(
    compose: Callable[..., TrainConfig], words: list[str], expected: int
) -> None:
    assert compose("training.batch_size=11", *words).largest_product == expected
