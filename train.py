"""Train a forecaster, judge it, and leave a run to review: python train.py [key=value ...]"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from headway import backend
from headway.config import door, private
from headway.config.naming import is_of_the_start, is_of_the_sweep, run_name
from headway.config.sweep import TrainCommand
from headway.config.validate import validate
from headway.data.columns import check_header
from headway.errors import ConfigError, RequirementError
from headway.redaction import redacted
from headway.sweeps.ticket import Ticket
from headway.tracking import uri
from hydra_plugins.headway._composed import checked

if TYPE_CHECKING:
    from headway.pipeline import Outcome
    from headway.sweeps.child import Child

PROJECT = Path(__file__).resolve().parent


@hydra.main(version_base="1.3", config_path="conf", config_name="train")
def train(settings: DictConfig) -> None:
    """Check the configuration, then train, evaluate and tell what came out; or do one trial of a sweep."""
    plain = OmegaConf.to_container(settings, resolve=True)
    typed = [redacted(override) for override in HydraConfig.get().overrides.task]
    ticket = Ticket.of(HydraConfig.get().sweeper)
    if ticket is not None:
        from headway.sweeps import child

        child.run(ticket, lambda sweep: _train(plain, typed, sweep))
        return
    alone = [override for override in typed if is_of_the_sweep(override)]
    if alone:
        raise ConfigError(f"{alone[0]}: says how to sweep, and this is a single run; add -m")
    outcome = _train(plain, typed)
    print(f"\n{outcome.text}\n\nrun {outcome.run_id}")
    if outcome.link:
        print(f"review: python -m headway.tracking ui, then {outcome.link}")
    if outcome.unmet:
        raise RequirementError(*outcome.unmet)


def _train(plain: object, typed: list[str], sweep: "Child | None" = None) -> "Outcome":
    private.refuse_secrets(plain)
    asked = validate(plain, TrainCommand)
    config = asked.config
    check_header(config.dataset, project=PROJECT)
    uri.resolve(config.tracking.uri)
    threads = None if sweep is None else sweep.ticket.threads
    backend.load(config.backend, threads=threads, largest_product=config.largest_product)
    # Keras takes seconds to load, and --help and a wrong override must answer at once.
    from headway import pipeline

    differing = typed if sweep is None else sweep.ticket.swept
    return pipeline.train(
        config,
        name=run_name(differing, default=config.dataset.name),
        command=[
            "python",
            "train.py",
            *(word for word in typed if not (is_of_the_sweep(word) or is_of_the_start(word))),
        ],
        project=PROJECT,
        sweep=sweep,
        resume=asked.going_on,
    )


if __name__ == "__main__":
    sys.exit(door.run(checked(train), configuration=TrainCommand))
