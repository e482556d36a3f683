"""Labels that keep their distance."""

import numpy as np
import pytest

from headway.report.style import spread_apart


@pytest.mark.parametrize(
    ("wished", "expected"),
    [
        ([0.0, 5.0, 9.0], [0.0, 5.0, 9.0]),
        ([5.0, 5.0], [4.5, 5.5]),
        ([5.0, 0.0, 5.0, 5.0], [4.0, 0.0, 5.0, 6.0]),
        ([0.0, 0.9, 1.8], [-0.1, 0.9, 1.9]),
        ([], []),
    ],
)
def test_labels_move_as_little_as_needed_and_keep_their_order(wished: list[float], expected: list[float]) -> None:
    np.testing.assert_allclose(spread_apart(wished, least=1.0), expected)
