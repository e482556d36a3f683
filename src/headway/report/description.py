"""The Markdown at the top of a run's page: what ran, how it did, and the pictures."""

from collections.abc import Mapping, Sequence


def describe(*, headline: str, facts: Mapping[str, str], table: str, pictures: Sequence[tuple[str, str]]) -> str:
    """Put a description together.

    Args:
        headline: One sentence: what was forecast, and how well against the rivals.
        facts: Name -> words, one line each.
        table: A Markdown table, or nothing.
        pictures: (artifact path, alternative text) of pictures in the run's root.
    """
    lines = [f"**{headline}**", ""]
    lines += [f"- {name}: {words}" for name, words in facts.items()]
    if table:
        lines += ["", table]
    for path, words in pictures:
        # The UI serves artifacts at this relative address; {run_id} is filled in where it is known.
        lines += ["", f"![{words}](get-artifact?path={path}&run_uuid={{run_id}})"]
    return "\n".join(lines) + "\n"


def headline(target: str, unit: str, mae: float, skills: Mapping[str, float]) -> str:
    """How the model did on one target in one sentence; `skills` maps rivals to 1 - MAE / their MAE."""
    versus = []
    for rival, skill in skills.items():
        comparison = "better" if skill >= 0 else "worse"
        versus.append(f"{abs(skill):.1%} {comparison} than {rival.replace('_', ' ')}")
    against = f": {', '.join(versus)}" if versus else ""
    return f"MAE of {target} on the test split {mae:.3f}{' ' + unit if unit else ''}{against}"
