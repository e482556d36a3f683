"""train.py without the training: jobs of real sweeps that only track and sleep, and fail on request.

    python toy_train.py -m training.learning_rate='interval(0.001, 0.1)' training.epochs=3

The error of a job is known beforehand: `error_of`. What TOY says, by seed, happens to a job: {"3": "exit"}.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from headway import tracking
from headway.config import door
from headway.config.naming import run_name
from headway.config.sweep import TrainCommand
from headway.config.train import TrainConfig
from headway.config.validate import validate
from headway.sweeps import child
from headway.sweeps.ticket import Ticket

CONF = str(Path(__file__).resolve().parents[2] / "conf")
SECONDS = float(os.environ.get("TOY_SECONDS", "0.02"))  # an epoch


def error_of(config: TrainConfig, epoch: int) -> float:
    """The validation error of a toy after an epoch: lowest at a learning rate of 0.01 without dropout."""
    distance = abs(config.training.learning_rate - 0.01) * 100 + config.model.dropout
    return 1 + distance + 1 / epoch


@hydra.main(version_base="1.3", config_path=CONF, config_name="train")
def train(settings: DictConfig) -> None:
    """Do one trial of a sweep."""
    config = validate(OmegaConf.to_container(settings, resolve=True), TrainCommand).config
    ticket = Ticket.of(HydraConfig.get().sweeper)
    child.run(ticket, lambda sweep: _work(config, sweep))


def _work(config: TrainConfig, sweep: child.Child) -> SimpleNamespace:
    name = run_name(sweep.ticket.swept, default="toy")
    with tracking.start(config.tracking, name=name, comparable="toy", parent=sweep.parent) as run:
        sweep.begin(run.id, run.record.mlflow_run_id, task=f"horizon {config.windows.horizon}")
        error = float("nan")
        for epoch in range(1, config.training.epochs + 1):
            time.sleep(SECONDS)
            _misbehave(json.loads(os.environ.get("TOY", "{}")).get(str(config.seed)), epoch)
            error = error_of(config, epoch)
            run.log_metrics({"validation/mae": error}, step=epoch)
            sweep.report(epoch, error)
        metrics = {
            "validation/best_error": error,
            "train/seconds": SECONDS * epoch,
            "weights": float(config.model.d_model),
        }
        run.log_metrics(metrics)
        run.set_score(error)
        return SimpleNamespace(metrics=metrics)


def _misbehave(how: str | None, epoch: int) -> None:
    if how is None or epoch < 2:
        return
    if how == "exit":
        sys.exit(3)
    if how == "memory":
        raise MemoryError("no more of it")
    if how == "raise":
        raise RuntimeError("as asked")
    if how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(door.run(train, configuration=TrainCommand))
