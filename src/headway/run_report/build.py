"""From a run to its page."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from headway import files
from headway.explanation import Explanation
from headway.judgement import Judgement
from headway.report.page import Block, Command, Page, Picture, Pictures, Section, Table, Verdict, render
from headway.run_report import attention, data, judged, training
from headway.run_report.excerpt import listing
from headway.stored import Stored
from headway.task import Task

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FILE = "report.html"


def write_report(
    folder: Path,
    kept: Stored,
    task: Task,
    *,
    headline: str,
    name: str,
    run_id: str,
    metrics: Mapping[str, float],
    curves: Mapping[str, list[float]],
    best_epoch: int,
    judgement: Judgement | None = None,
    explanation: Explanation | None = None,
    seeds: str = "",
    early: Sequence[Section] | None = None,
    explained: "Mapping[str, Figure] | None" = None,
) -> None:
    """Write `report.html` into a run's folder: one file that needs no other, no network and no script.

    Args:
        folder: The run's folder.
        kept: Its configuration, command and environment.
        task: What it was trained on.
        headline: What was found, in one sentence.
        name, run_id: Of the run.
        metrics: What training and judging cost and ended with, by path.
        curves: Metric by epoch, as Keras names them.
        best_epoch: Whose weights are kept, counted from 1.
        judgement: What it is worth, or None where it was not judged.
        explanation: What it attends to, or None where nobody asked.
        seeds: How much the error depends on the seed, in words, or nothing.
        early: What `early_sections` gave, or None to draw it now.
        explained: Pictures of the explanation by file name, where they are drawn already.
    """
    sections = list(early_sections(kept, task, judgement) if early is None else early)
    if explanation is not None:
        clock, readout = task.dataset.clock, kept.config.model.readout
        sections.insert(-1, attention.section(explanation, folder, clock, readout=readout, drawn=explained))
    sections += [training.section(curves, best_epoch, metrics), _reproduce(kept, run_id)]
    page = Page(
        title=f"{task.dataset.name}: {listing(task.dataset.targets)}",
        headline=headline,
        badges=_badges(judgement, explanation),
        facts={"run": f"{name} ({run_id})"} | _facts(kept, task, judgement, seeds),
        sections=sections,
        footer=f"{' '.join(filter(None, ['Headway', kept.environment.get('headway', '')]))}: run {name} ({run_id})",
    )
    files.write(folder / FILE, render(page))


def early_sections(kept: Stored, task: Task, judgement: Judgement | None) -> list[Section]:
    """The sections that can be drawn while attention is still being explained, drawn.

    Args:
        kept: The run's configuration.
        task: What it was trained on.
        judgement: What it is worth, or None where it was not judged.
    """
    found = [*(() if judgement is None else judged.sections(judgement)), data.section(task, kept)]
    for picture in _pictures(block for section in found for block in section.blocks):
        picture.source  # noqa: B018 - kept once it is drawn
    return found


def _pictures(blocks: Iterator[Block]) -> Iterator[Picture]:
    for block in blocks:
        if isinstance(block, Picture):
            yield block
        elif isinstance(block, Pictures):
            yield from block.pictures


def _badges(judgement: Judgement | None, explanation: Explanation | None) -> list[Verdict]:
    found = []
    if judgement is None:
        found.append(Verdict("neutral", "not judged", "no test scores yet"))
    elif judgement.beats_baselines:
        found.append(Verdict("positive", "beats every rival"))
    elif judgement.deciding:
        against = judgement.deciding
        beaten = f"{sum(one.better for one in against)} of {len(against)}"
        several = len(judgement.forecaster.targets) > 1 and judgement.scaled is None
        words = f"better in {beaten} comparisons" if several else f"beats {beaten} rivals"
        found.append(Verdict("negative", words))
    else:
        found.append(Verdict("neutral", "no rival to beat"))
    if explanation is not None:
        found.append(attention.badge(explanation))
    return found


def _facts(kept: Stored, task: Task, judgement: Judgement | None, seeds: str) -> dict[str, str]:
    windows, members = kept.config.windows, kept.config.training.ensemble
    found = {
        "forecast": f"{listing(task.dataset.targets)}: {windows.horizon} steps of {task.dataset.clock} ahead, "
        f"from the last {windows.context_length}",
        "model": kept.config.model.words + (f"; mean of {members} networks" if members > 1 else ""),
    }
    if judgement is not None:
        first, last = data.target_span(judgement.task, judgement.split)
        found["judged on"] = f"{judgement.scores.num_windows:,} {judgement.split} windows, {first} to {last} UTC"
    found["seed"] = str(kept.config.seed)
    return found | ({"seeds": seeds} if seeds else {})


def _reproduce(kept: Stored, run_id: str) -> Section:
    blocks: list[Command | Table] = []
    commit = kept.environment.get("git_commit", "unknown")
    if commit != "unknown":
        dirty = kept.environment.get("git_dirty") == "true"
        note = "The code it ran" + (", but for changes that no commit holds: expect other numbers." if dirty else ".")
        blocks.append(Command(f"git checkout {commit}", note))
    blocks += [
        Command(shlex.join(kept.command), "Train it again, on data of the same fingerprint."),
        Command(f"python evaluate.py run={run_id}", "Judge the stored forecaster again; nothing is trained."),
    ]
    if kept.environment:
        rows = list(kept.environment.items())
        blocks.append(Table(caption="Made with", header=("what", "version"), rows=rows))
    return Section("reproduce", "Do it again", "The commands, the code and the versions behind this run.", blocks)
