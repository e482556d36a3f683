"""The parent run of a sweep: the winner's values, the table of children, the pictures, and the command that reproduces the best."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from headway import files
from headway.report import sweep as pictures
from headway.report import sweep_parameters
from headway.report.description import describe
from headway.report.png import png
from headway.sweeps import children
from headway.sweeps.children import Row
from headway.sweeps.space import Dimension, Span
from headway.sweeps.study import Study
from headway.tracking import Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_ROWS = 50
_SCORE = "validation error"


def record(
    run: Run,
    study: Study,
    *,
    name: str,
    command: Sequence[str],
    shared: Sequence[str],
    dimensions: Mapping[str, Dimension],
    objectives: Sequence[str],
    judged: str = "",
) -> str:
    """Put what the children found onto the parent run; what stands there already is replaced.

    Args:
        run: The parent run.
        study: The sweep's study.
        name: The sweep's name.
        command: The words that were typed.
        shared: Overrides of all children.
        dimensions: What a search chose from.
        objectives: What was minimised.
        judged: What the winner is worth on the test split, in words, or nothing.

    Returns:
        The sweep in words, for the terminal.
    """
    rows = children.rows_of(study)
    best = children.best_of(rows)
    _log_metrics(run, rows, best)
    files.write(run.folder / "trials.csv", _csv(rows))
    run.log_file("trials.csv")
    drawn = _draw(run.folder, rows, study, dimensions, objectives)
    for picture in drawn:
        run.log_file(picture)
    finished = [row.mlflow_run for row in children.ranked(rows) if row.mlflow_run and row.state == "finished"]
    link = run.compare_link(finished) if len(finished) > 1 else None
    headline = _headline(rows, best)
    facts = {"sweep": f"`{name}`", "ran": f"`{children.spelled(command)}`", "children": children.counts(rows)}
    if best is not None:
        facts["best"] = f"trial {best.number}, run `{best.run}`: `python evaluate.py run={best.run}` judges it"
        facts["again"] = f"`{children.spelled(children.command_of(best, shared))}`"
        run.set_best(best.run or "")
    if judged:
        facts["test"] = judged
    saved = _epochs_saved(rows)
    if saved:
        facts["pruning"] = saved
    sections = [f"[Compare the finished children]({link})" if link else "", _front(study, rows, objectives)]
    sections.append(children.table(rows, style="github", most=_MOST_ROWS))
    text = describe(
        headline=headline,
        facts=facts,
        sections=sections,
        pictures=[(picture, picture.removesuffix(".png").replace("_", " ")) for picture in drawn],
    )
    files.write(run.folder / "report.md", text.replace("get-artifact?path=", "").replace("&run_uuid={run_id}", ""))
    run.log_file("report.md")
    run.describe(text)
    lines = [children.table(rows, most=_MOST_ROWS), headline, saved]
    if best is not None:
        lines.append(f"again: {children.spelled(children.command_of(best, shared))}")
    if judged:
        lines.append(judged)
    if link:
        lines.append(f"compare: {link}")
    return "\n".join(filter(None, [lines[0], "", _front(study, rows, objectives, style="simple"), *lines[1:]]))


def _log_metrics(run: Run, rows: Sequence[Row], best: Row | None) -> None:
    states = [row.state for row in rows]
    metrics = {f"sweep/{state}": float(states.count(state)) for state in ("finished", "pruned", "failed")}
    metrics["sweep/epochs"] = float(sum(row.epochs for row in rows))
    if best is not None:
        metrics |= best.metrics
        metrics["sweep/best_trial"] = float(best.number)
    run.log_metrics(metrics, step=len(rows))


def _headline(rows: Sequence[Row], best: Row | None) -> str:
    if best is None or best.score is None:
        several = len({row.task for row in rows if row.state == "finished"}) > 1
        if several:
            return "no winner is named: the children forecast different things, and their errors cannot be compared"
        return "no child finished"
    settings = " ".join(f"{key}={value}" for key, value in best.parameters.items())
    return f"best of {len(rows)}: trial {best.number} with {settings or 'the settings as they are'}: validation error {best.score:.4g}"


def _epochs_saved(rows: Sequence[Row]) -> str:
    pruned = [row for row in rows if row.state == "pruned"]
    if not pruned:
        return ""
    full = max((row.epochs for row in rows if row.state == "finished"), default=0)
    if not full:
        return f"{len(pruned)} trials were pruned"
    spent, all_of_them = (
        sum(row.epochs for row in rows),
        full * sum(row.state in ("finished", "pruned") for row in rows),
    )
    return f"{len(pruned)} trials were pruned: {spent} epochs instead of up to {all_of_them} ({1 - spent / all_of_them:.0%} saved)"


def _front(study: Study, rows: Sequence[Row], objectives: Sequence[str], *, style: str = "github") -> str:
    numbers = set(study.front())
    if not numbers:
        return ""
    front = sorted((row for row in rows if row.number in numbers), key=lambda row: row.values)
    lines = [
        f"trial {row.number}: "
        + ", ".join(f"{name} {value:.4g}" for name, value in zip(objectives, row.values, strict=True))
        for row in front
    ]
    marker = "- " if style == "github" else "  "
    return "\n".join(["Beaten by no other in every objective:", "", *(f"{marker}{line}" for line in lines)])


def _draw(
    folder: Path, rows: Sequence[Row], study: Study, dimensions: Mapping[str, Dimension], objectives: Sequence[str]
) -> list[str]:
    begun = [row for row in rows if row.state != "waiting"]
    states, scores = [row.state for row in begun], [row.score for row in begun]
    figures: dict[str, Figure] = {
        "comparison.png": pictures.comparison([_label(row) for row in begun], scores, states, unit=_SCORE),
        "history.png": pictures.history([row.number for row in begun], scores, states, unit=_SCORE),
        "intermediate_values.png": pictures.intermediate_values([row.curve for row in begun], states),
    }
    keys = list(dict.fromkeys(key for row in rows for key in row.parameters))
    if keys:
        log = {_leaf(key) for key in keys if isinstance(span := dimensions.get(key), Span) and span.log}
        values = {_leaf(key): [row.parameters.get(key) for row in rows] for key in keys}
        figures["parallel_coordinates.png"] = sweep_parameters.parallel_coordinates(
            values, [row.score if row.state == "finished" else None for row in rows], log=log, unit="MAE"
        )
    shares = study.importance() if len(keys) > 1 else {}
    if shares:
        figures["importance.png"] = sweep_parameters.importance([_leaf(key) for key in shares], list(shares.values()))
    finished = [row for row in rows if len(row.values) > 1]
    if finished:
        front = set(study.front())
        figures["pareto.png"] = pictures.pareto(
            [row.values[0] for row in finished],
            [row.values[1] for row in finished],
            names=(objectives[0], objectives[1]),
            on_front=[row.number in front for row in finished],
        )
    for name, figure in figures.items():
        files.write(folder / name, png(figure))
    return list(figures)


def _label(row: Row) -> str:
    settings = " ".join(f"{_leaf(key)}={children.short(value)}" for key, value in row.parameters.items())
    return f"{row.number}: {settings}"


def _leaf(key: str) -> str:
    return key.rpartition(".")[2]


def _csv(rows: Sequence[Row]) -> str:
    keys = list(dict.fromkeys(key for row in rows for key in row.parameters))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["trial", *keys, "validation_error", "state", "epochs", "seconds", "run", "error"])
    for row in rows:
        cells = [row.number, *(row.parameters.get(key, "") for key in keys), row.score, row.state]
        seconds = None if row.seconds is None else f"{row.seconds:.1f}"
        writer.writerow([*cells, row.epochs, seconds, row.run, row.error])
    return text.getvalue()
