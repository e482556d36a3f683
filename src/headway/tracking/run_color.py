"""A colour for a run, so that the runs of one chart can be told apart: MLflow draws it from the run's id, and repeats itself."""

from collections.abc import Iterable

TAG = "mlflow.runColor"

# Okabe and Ito's colours for all kinds of colour vision, without their yellow, which vanishes on white, and four more.
PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#7f3c8d", "#5f4690", "#666666", "#94346e")


def pick(taken: Iterable[str]) -> str:
    """The first colour that is not taken, or else the one that was taken longest ago.

    Args:
        taken: The colours of the most recent runs, newest first.
    """
    recent = [color for color in taken if color in PALETTE][: len(PALETTE)]
    free = [color for color in PALETTE if color not in recent]
    return free[0] if free else recent[-1]
