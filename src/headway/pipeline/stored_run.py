"""What can be asked of a stored run, from its own configuration, data and weights."""

from dataclasses import replace
from pathlib import Path

from headway import tracking, unseen
from headway.audit import audit_leaks
from headway.backtest.run import run_backtest
from headway.comparing.run import compare_runs
from headway.comparing.side import Side, refuse_unlike
from headway.config.evaluate import EvaluateConfig, WindowRequest
from headway.config.tracking import TrackingSpec
from headway.config.train import TrainConfig
from headway.data import sources
from headway.data.series import Dataset
from headway.errors import StoredRunError
from headway.explained_window import explain_window, find_windows
from headway.forecaster import Forecaster
from headway.judgement import judge_forecaster
from headway.pipeline.judging import judge, prepared, text_of, unmet
from headway.pipeline.outcome import Outcome
from headway.slicing import refuse_unknown
from headway.stored import Stored
from headway.task import Task
from headway.tracking import Run


def evaluate(config: EvaluateConfig, *, project: Path) -> Outcome:
    """Judge a stored run from its own configuration, data and weights.

    Args:
        config: Which run, what is asked of it, and where runs are tracked.
        project: Folder in which shipped data are found.

    Returns:
        What to tell the user.

    Raises:
        StoredRunError: If there is no such run, it is damaged, or its data have changed.
    """
    if config.compare is not None:
        return _compare(config, *config.compare, project=project)
    with tracking.reopen(config.tracking, config.run) as run:
        found = Stored.read(run.folder)
        trained = found.config.model_copy(update={"evaluation": config.evaluation.applied(found.config.evaluation)})
        if config.dataset.path is not None:
            return _judge_unseen(config.dataset.path, trained, found, run, project)
        dataset = _read_again(trained, found, run, project)
        if config.audit == "leaks":
            audit = audit_leaks(trained, Forecaster.load(run.folder / "forecaster"), project=project)
            return Outcome(run.id, audit.text, run.link, tuple(audit.leaks))
        task = prepared(dataset, trained)
        refuse_unknown(trained.evaluation.slices, dataset.features)
        forecaster = Forecaster.load(run.folder / "forecaster")
        if config.attention.at is not None:
            return _show_windows(forecaster, task, run, config.attention)
        if config.backtest.kind != "off":
            text, is_best, lacking = run_backtest(config.backtest, trained, forecaster, task, run, project=project)
            return Outcome(run.id, text, run.link, unmet(trained, is_best, lacking))
        return judge(replace(found, config=trained), task, forecaster, run)


def judge_winner(settings: TrackingSpec, run_id: str, *, project: Path) -> Outcome:
    """Judge the best child of a sweep on the test split, as its own configuration says.

    Args:
        settings: Where it was tracked.
        run_id: Its id.
        project: Folder in which shipped data are found.

    Raises:
        StoredRunError: It is damaged or gone, or its data have changed.
    """
    with tracking.reopen(settings, run_id) as run:
        found = Stored.read(run.folder)
        task = prepared(_read_again(found.config, found, run, project), found.config)
        forecaster = Forecaster.load(run.folder / "forecaster")
        return judge(found, task, forecaster, run)


def _read_again(config: TrainConfig, found: Stored, run: Run, project: Path) -> Dataset:
    """The data a run was trained on; its fingerprint says more than the file's digest: what the model saw, whatever the format."""
    dataset = sources.read(config.dataset.model_copy(update={"sha256": None}), project=project)
    _refuse_other_data(dataset, found, run)
    return dataset


def _refuse_other_data(dataset: Dataset, found: Stored, run: Run) -> None:
    fingerprint = dataset.fingerprint()
    if fingerprint != found.fingerprint:
        raise StoredRunError(
            f"{found.config.dataset.path}: its fingerprint is {fingerprint[:12]}..., run {run.id} was trained on {found.fingerprint[:12]}...; "
            f"restore the file it was trained on, or judge the file as it is now: dataset.path={found.config.dataset.path}"
        )


def _show_windows(forecaster: Forecaster, task: Task, run: Run, asked: WindowRequest) -> Outcome:
    """Draw the windows of a time beside the values they attend to."""
    words = []
    for window in find_windows(task, asked.at or "", asked.series):
        path, text = explain_window(forecaster, task, window, run.folder)
        run.log_file(path)
        words.append(f"{text}\n\n{run.folder / path}")
    return Outcome(run.id, "\n\n".join(words), run.link)


def _compare(config: EvaluateConfig, first: str, second: str, *, project: Path) -> Outcome:
    """Set two stored runs side by side."""
    with tracking.reopen(config.tracking, first) as one, tracking.reopen(config.tracking, second) as other:
        found = [(run, Stored.read(run.folder)) for run in (one, other)]
        refuse_unlike(*found)
        dataset = _read_again(found[0][1].config, found[0][1], one, project)
        sides = []
        for run, kept in found:
            trained = kept.config.model_copy(update={"evaluation": config.evaluation.applied(kept.config.evaluation)})
            sides.append(Side(run, trained, prepared(dataset, trained), Forecaster.load(run.folder / "forecaster")))
        return Outcome(one.id, compare_runs(*sides), one.link)


def _judge_unseen(path: str, config: TrainConfig, found: Stored, run: Run, project: Path) -> Outcome:
    """Judge a stored forecaster on another file, and say how that differs from its training rows."""
    forecaster = Forecaster.load(run.folder / "forecaster")
    data = unseen.read(path, config, forecaster, found.fingerprint, project=project)
    judgement = judge_forecaster(
        forecaster,
        data.trained_on,
        data.evaluation,
        seed=config.seed,
        judged_on=data.judged_on,
        scaled=config.benchmark.scaled,
    )
    unseen.record(run, path, judgement, data)
    target = forecaster.targets[0]
    error = judgement.scores.value(target, judgement.scores.model, "mae")
    words = f"MAE of {target} on {path} {error:.3f} {forecaster.units.get(target, '')}".rstrip()
    if judgement.scaled is not None:
        words = f"{path}: {judgement.headline}"
    text = f"{data.text}\n\n{text_of(judgement, words, '')}"
    return Outcome(run.id, text, run.link, unmet(config, judgement.beats_baselines, judgement.unmet))
