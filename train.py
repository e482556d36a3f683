"""Train a forecaster, judge it, and leave a run to review: python train.py [key=value ...]"""

import sys
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from headway import backend
from headway.config import door
from headway.config.naming import run_name
from headway.config.train import TrainConfig
from headway.config.validate import validate
from headway.data.columns import check_header
from headway.errors import RequirementError
from headway.tracking import uri

PROJECT = Path(__file__).resolve().parent


@hydra.main(version_base="1.3", config_path="conf", config_name="train")
def train(settings: DictConfig) -> None:
    """Check the configuration, then train, evaluate and tell what came out."""
    config = validate(OmegaConf.to_container(settings, resolve=True), TrainConfig)
    check_header(config.dataset, project=PROJECT)
    uri.resolve(config.tracking.uri)
    backend.load(config.backend)
    # Keras takes seconds to load, and --help and a wrong override must answer at once.
    from headway import pipeline

    overrides = HydraConfig.get().overrides.task
    outcome = pipeline.train(
        config,
        name=run_name(overrides, default=config.dataset.name),
        command=["python", "train.py", *overrides],
        project=PROJECT,
    )
    print(f"\n{outcome.text}\n\nrun {outcome.run_id}")
    if outcome.link:
        print(f"review: python -m headway.tracking ui, then {outcome.link}")
    if outcome.unmet:
        raise RequirementError(*outcome.unmet)


if __name__ == "__main__":
    sys.exit(door.run(train, configuration=TrainConfig))
