"""Train and evaluate as functions of a validated configuration: where data, model, training, tracking and evaluation meet."""

from headway.pipeline.outcome import Outcome
from headway.pipeline.stored_run import evaluate, judge_winner
from headway.pipeline.training_run import Sweep, train

__all__ = ["Outcome", "Sweep", "evaluate", "judge_winner", "train"]
