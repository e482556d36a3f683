"""The winner of a sweep on the test split."""

from pathlib import Path
from typing import TYPE_CHECKING

from headway import backend
from headway.config.train import TrainConfig
from headway.sweeps.sweep import Judge

if TYPE_CHECKING:
    from headway.pipeline import Outcome


def of(config: TrainConfig, *, project: Path) -> Judge:
    """What judges a child of a sweep by its run's id.

    Args:
        config: Of any child: where they are tracked, and what Keras computes with.
        project: Folder in which shipped data are found.
    """

    def judge(run_id: str) -> "Outcome":
        backend.load(config.backend)
        # Here because Keras takes seconds to load, and most sweeps judge nobody.
        from headway import pipeline

        return pipeline.judge_winner(config.tracking, run_id, project=project)

    return judge
