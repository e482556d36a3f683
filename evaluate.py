"""Judge a trained run from its own configuration, data and weights: python evaluate.py [run=latest|best|<id>]"""

import sys
from pathlib import Path

import hydra
from omegaconf import DictConfig, OmegaConf

from headway import backend
from headway.config import door, private
from headway.config.evaluate import EvaluateConfig
from headway.config.validate import validate
from headway.errors import RequirementError
from headway.tracking import uri
from hydra_plugins.headway._composed import checked


@hydra.main(version_base="1.3", config_path="conf", config_name="evaluate")
def evaluate(settings: DictConfig) -> None:
    """Check the configuration, then judge the run and tell what came out."""
    plain = OmegaConf.to_container(settings, resolve=True)
    private.refuse_secrets(plain)
    config = validate(plain, EvaluateConfig)
    uri.resolve(config.tracking.uri)
    backend.load("auto")
    # Keras takes seconds to load, and --help and a wrong override must answer at once.
    from headway import pipeline

    outcome = pipeline.evaluate(config, project=Path(__file__).resolve().parent)
    print(f"\n{outcome.text}\n\nrun {outcome.run_id}")
    if outcome.link:
        print(f"review: python -m headway.tracking ui, then {outcome.link}")
    if outcome.unmet:
        raise RequirementError(*outcome.unmet)


if __name__ == "__main__":
    sys.exit(door.run(checked(evaluate), configuration=EvaluateConfig))
