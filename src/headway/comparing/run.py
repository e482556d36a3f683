"""A comparison from two stored runs to its table and its picture, which both runs keep."""

import logging

from headway import files
from headway.comparing.heads import HeadsComparison, compare_heads, why_not
from headway.comparing.side import Side, changed_settings, names_of
from headway.comparing.skill import SkillComparison, compare_skill
from headway.report.attention_comparison import attention_comparison
from headway.report.png import png
from headway.report.skill import skill_by_horizon

log = logging.getLogger(__name__)

FOLDER, PICTURE = "comparisons", "comparison.png"


def compare_runs(first: Side, second: Side) -> str:
    """Compare two runs that `refuse_unlike` has nothing against, and keep the comparison in both.

    Each run gets `comparisons/<id of the other>` with comparison.png, comparison.csv and comparison.txt, and
    the picture once more at its root, where the MLflow UI shows those of several runs side by side.

    Args:
        first, second: A and B: skill is that of A against B, differences are B - A.

    Returns:
        Settings that differ, scores side by side, verdicts and what there is to say of the heads, as text.

    Raises:
        StoredRunError: They have no test window in common.
    """
    names = names_of(first.run, second.run)
    skill = compare_skill(first, second, names=names)
    reason = why_not(first, second)
    heads = None if reason else compare_heads(first, second)
    text = _text(first, second, skill, heads.words if heads else reason)
    picture = _heads_picture(first, skill, heads) if heads else _skill_picture(first, skill)
    for own, other in ((first.run, second.run), (second.run, first.run)):
        name = f"{FOLDER}/{other.id}"
        folder = own.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        skill.write(folder / "comparison.csv")
        files.write(folder / "comparison.txt", f"{text}\n")
        for place in (folder, own.folder):
            files.write(place / PICTURE, picture)
        own.log_file(name)
        own.log_file(PICTURE)
        log.info("%s: comparison with %s in %s", own.id, other.id, folder)
    return text


def _text(first: Side, second: Side, skill: SkillComparison, heads: str) -> str:
    sides = "\n".join(
        f"{letter}: {name}" + (f", run {side.run.id}" if name != side.run.id else "")
        for letter, name, side in zip("AB", skill.names, (first, second), strict=True)
    )
    changed = changed_settings(first.config, second.config)
    settings = "\n".join(f"  {key}: {own} -> {other}" for key, (own, other) in changed.items())
    settings = f"settings of A -> of B:\n{settings}" if changed else "no setting differs"
    notes = [f"on {skill.counted}"]
    if not skill.same_levels:
        notes.append("they forecast other quantiles, so that scores of these are left out")
    verdicts = "\n".join([*skill.verdicts, "; ".join(notes)])
    return "\n\n".join([sides, settings, skill.table(), verdicts, heads])


def _heads_picture(first: Side, skill: SkillComparison, heads: HeadsComparison) -> bytes:
    title = f"mean attention over {heads.windows} validation windows"
    for side, skipped in zip("AB", heads.skipped, strict=True):
        title += f"; L1 is layer {skipped + 1} of {side}" if skipped else ""
    return png(
        attention_comparison(
            heads.first,
            heads.second,
            heads.pairs,
            names=skill.names,
            clock=first.forecaster.clock.step,
            title=title,
            skill=skill.verdicts[0],
        )
    )


def _skill_picture(first: Side, skill: SkillComparison) -> bytes:
    """Errors and skill by step, where there are no maps to show."""
    target, (name, rival) = skill.targets[0], skill.names
    return png(
        skill_by_horizon(
            skill.first.by_horizon(target, "mae"),
            model=name,
            metric="MAE",
            unit=skill.units.get(target, ""),
            clock=first.forecaster.clock.step,
            intervals={rival: skill.comparison.intervals[target][rival][1:]},
        )
    )
