"""How good the forecasts are: beside the rivals, by hour and by slice, their intervals, and where they fail."""

from collections.abc import Sequence

from headway.evaluation.metrics import METRICS
from headway.evaluation.scaled import MAE, MSE, ScaledScores, definition
from headway.evaluation.tables import Cells, by_horizon, by_slice, overall
from headway.evaluation.verdicts import Verdict as Against
from headway.judgement import Judgement
from headway.report.forecasts import forecast_fans
from headway.report.page import Block, Facts, Heading, Picture, Pictures, Section, Table, Text, Verdict
from headway.run_report.excerpt import excerpt, listing

_WORST = 4
_MOST_TARGETS = 4  # that have tables of their own; scores.csv has all
_RANKS = ("worst", "second worst", "third worst", "fourth worst")


def sections(judgement: Judgement) -> list[Section]:
    """Scaled errors where these decide, skill, intervals, forecasts."""
    found = [_skill(judgement)]
    if judgement.scaled is not None:
        found.insert(0, _scaled(judgement, judgement.scaled))
    if len(judgement.forecaster.levels) > 1:
        found.append(_intervals(judgement))
    return [*found, _forecasts(judgement)]


def _scaled(judgement: Judgement, scaled: ScaledScores) -> Section:
    cells = scaled.table()
    blocks: list[Block] = [
        Table(
            caption=f"Scaled errors on the {judgement.split} split",
            header=tuple(cells.head),
            rows=[tuple(row) for row in cells.rows],
            numeric=range(1, 6),  # all but the names and the sources
            emphasised=[0],
            note=definition(),
        )
    ]
    for error in (MSE, MAE):
        blocks.append(Heading(error))
        blocks += _against([verdict for verdict in scaled.comparison.verdicts if verdict.target == error], judgement)
    return Section("scaled", "Scaled errors", f"{judgement.headline}. {scaled.caption}.", blocks)


def _skill(judgement: Judgement) -> Section:
    forecaster, scores = judgement.forecaster, judgement.scores
    target, units, step = forecaster.targets[0], forecaster.units, str(forecaster.clock)
    verdicts = judgement.comparison.verdicts
    blocks: list[Block] = []
    for cells in overall(scores, verdicts, units)[:_MOST_TARGETS]:
        note = _METRICS if verdicts else ""
        blocks.append(_table(cells, f"Scores on the {judgement.split} split", judgement, models=True, note=note))
        blocks += _against([verdict for verdict in verdicts if verdict.target == cells.target], judgement)
    pictures = judgement.pictures
    strongest = scores.strongest_rival(target)
    blocks.append(
        Picture(
            pictures["skill.png"],
            alt=f"Error of {target} by step ahead for {scores.model} and {len(scores.rivals)} rivals"
            + (f", and the skill against each; the strongest is {strongest}" if strongest else ""),
            caption="Error by step ahead"
            + (
                ", and below it the skill, 1 - error / rival's error. The band is the 95 % interval against the strongest rival."
                if strongest
                else "."
            ),
        )
    )
    blocks += [
        _table(cells, f"Error by steps of {step}", judgement, models=True)
        for cells in by_horizon(scores, units)[:_MOST_TARGETS]
    ]
    if "slices.png" in pictures:
        blocks.append(
            Picture(
                pictures["slices.png"],
                alt=f"Error and coverage of {target} by {', '.join(judgement.forecasts.telling)}",
                caption="Where the errors are: by slice, beside the strongest rival. Times are UTC.",
            )
        )
    blocks += [_slices(judgement, by) for by in judgement.forecasts.telling]
    if len(forecaster.targets) > 1:
        more = f"Pictures and slices are those of {target}, the first target; slices.csv has those of all."
        blocks.append(Text(more))
    shown = [name for name, one in METRICS.items() if one.headline and scores.table[name].notna().any()]
    blocks += [Heading("What the scores mean"), Facts({name: METRICS[name].definition for name in shown})]
    return Section("skill", "Skill", _lead(judgement), blocks)


def _lead(judgement: Judgement) -> str:
    forecaster, scores = judgement.forecaster, judgement.scores
    found = []
    for target in forecaster.targets[:_MOST_TARGETS]:
        verdicts = [verdict for verdict in judgement.comparison.verdicts if verdict.target == target]
        error, unit = scores.value(target, scores.model, "mae"), forecaster.units.get(target, "")
        words = f"MAE of {target} {error:.3f} {unit}".rstrip()
        if verdicts:
            beaten = sum(verdict.better for verdict in verdicts)
            words += f", better than {beaten} of {len(verdicts)} rivals by more than chance"
        found.append(f"{words}.")
    more = len(forecaster.targets) - _MOST_TARGETS
    return " ".join([*found, *([f"The scores of {more:,} more targets are in scores.csv."] if more > 0 else [])])


def _against(verdicts: Sequence[Against], judgement: Judgement) -> list[Block]:
    """What is beaten as one finding, for the table has the numbers; what is not, one by one."""
    model = judgement.scores.model
    beaten = [verdict.rival.replace("_", " ") for verdict in verdicts if verdict.better]
    found: list[Block] = [Verdict("positive", "better", f"{model} beats {listing(beaten)}")] if beaten else []
    for verdict in verdicts:
        if verdict.worse:
            found.append(Verdict("negative", "worse", f"{model} {verdict.words}"))
        elif not verdict.better:
            found.append(Verdict("neutral", "open", f"{model} {verdict.words}"))
    return found


def _slices(judgement: Judgement, by: str) -> Table:
    scores = judgement.scores
    cells = by_slice(scores, by, judgement.forecaster.units)[0]
    rows = scores.by_slice(cells.target, by)
    errors = rows[rows.forecaster == scores.model].mae.tolist()
    return excerpt(
        _table(cells, f"By {by}", judgement), errors, which="those with the largest error; slices.csv has all"
    )


def _intervals(judgement: Judgement) -> Section:
    blocks: list[Block] = [
        Picture(
            judgement.pictures["calibration.png"],
            alt="Reliability of the quantiles, where the actuals fell among them, and coverage by step ahead",
            caption="Honest quantiles lie on the diagonal, fill every cell alike, and hold what they promise at every step.",
        )
    ]
    notes = judgement.coverage_note.splitlines()[:_MOST_TARGETS]
    blocks += [Text(f"{note[0].upper()}{note[1:]}.") for note in notes]
    scores, lead = judgement.scores, ""
    if scores.nominal is not None:
        held = [
            f"{scores.value(target, scores.model, 'coverage'):.1f} % of the actuals of {target}"
            for target in judgement.forecaster.targets[:_MOST_TARGETS]
        ]
        lead = f"The nominal {scores.nominal:g} % interval holds {listing(held)}."
    return Section("intervals", "Intervals", lead, blocks)


def _forecasts(judgement: Judgement) -> Section:
    forecaster = judgement.forecaster
    target, clock = forecaster.targets[0], forecaster.clock.step
    unit = forecaster.units.get(target, "")
    best, typical, *worst = judgement.examples(worst=_WORST)
    # The worst comes last there, and first here.
    ranked = [("best", best), ("typical", typical), *zip(_RANKS, reversed(worst), strict=False)]
    drawn = []
    for rank, window in ranked:
        when = str(window.origin.astype("datetime64[m]")).replace("T", " ")
        drawn.append(
            Picture(
                forecast_fans([window], target=target, unit=unit, clock=clock),
                alt=f"Forecast of {target} from {when} UTC for {window.series}, the {rank} window: what was forecast, "
                f"what happened, and persistence; mean absolute error {window.error:.2f} {unit}".rstrip(),
                caption=f"The {rank} window: {window.series}, {when} UTC.",
            )
        )
    lead = f"The best, the typical and the worst windows by mean absolute error of {target}; "
    lead += (
        "no two of the worst overlap in time." if len(worst) > 1 else "there is no second worst that does not overlap."
    )
    return Section("forecasts", "Forecasts", lead, [Pictures(drawn)])


_METRICS = "Skill is the model's against the rival of that row; p is that of the Diebold-Mariano test of equal errors."


def _table(cells: Cells, caption: str, judgement: Judgement, *, models: bool = False, note: str = "") -> Table:
    """A table of texts; where its rows are models, ours stands out."""
    rows = [tuple(row) for row in cells.rows]
    several = len(judgement.forecaster.targets) > 1
    return Table(
        caption=f"{caption}: {cells.target}" if several else caption,
        header=tuple(cells.head),
        rows=rows,
        numeric=range(1, len(cells.head)),
        emphasised=[place for place, row in enumerate(rows) if models and row[0] == judgement.scores.model],
        note=note,
    )
