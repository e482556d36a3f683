"""The Markdown at the top of a run's page: what ran, how it did, and the pictures."""

import re
from collections.abc import Mapping, Sequence


def describe(
    *, headline: str, facts: Mapping[str, str], sections: Sequence[str], pictures: Sequence[tuple[str, str]]
) -> str:
    """Put a description together.

    Args:
        headline: One sentence: what was forecast, and how well against the rivals.
        facts: Name -> words, one line each.
        sections: Markdown tables and lists, one below the other.
        pictures: (artifact path, alternative text) of pictures in the run's root.
    """
    lines = [f"**{_inert(headline)}**", ""]
    lines += [f"- {_inert(name)}: {_inert(words)}" for name, words in facts.items()]
    for section in filter(None, sections):
        lines += ["", _inert(section)]
    for path, words in pictures:
        # The UI serves artifacts at this relative address; {run_id} is filled in where it is known.
        lines += ["", f"![{words}](get-artifact?path={path}&run_uuid={{run_id}})"]
    return "\n".join(lines) + "\n"


def _inert(markdown: str) -> str:
    """Markdown in which names of columns and series make no elements, links and pictures of their own."""
    # A sign of less before a space stays: "p < 0.001" is read in a terminal too.
    return re.sub(r"<(?=\S)", "&lt;", markdown).replace("![", "!\\[").replace("](", "]\\(")


def headline(target: str, unit: str, mae: float, verdicts: Mapping[str, str], *, strongest: str | None) -> str:
    """How the model did on one target in one sentence.

    Args:
        target, unit: What was forecast.
        mae: The model's error.
        verdicts: Rival -> what the model is against it, in words.
        strongest: The rival that is named, the strongest of them; None where there is none.
    """
    error = f"MAE of {target} on the test split {mae:.3f}{' ' + unit if unit else ''}"
    if strongest is None:
        return error
    rank = "its strongest rival" if len(verdicts) > 1 else "its rival"
    return f"{error}; against {rank}: {verdicts[strongest]}"


def scaled_headline(
    mse: Mapping[str, float], mae: Mapping[str, float], verdicts: Mapping[str, str], *, model: str, named: str | None
) -> str:
    """How the model did on the standardised values of all targets together, in one sentence.

    Args:
        mse, mae: Forecaster -> error.
        verdicts: Rival -> what the model is against it on the squared error, in words.
        model: Among the forecasters.
        named: The rival that is named beside repeat last; None where there is none.
    """
    error = f"scaled MSE on the test split {mse[model]:.4f}, MAE {mae[model]:.4f}"
    if named is None:
        return error
    error += f"; {verdicts[named]}" if named in verdicts else ""
    repeated = named != "persistence" and "persistence" in mse
    return error + (f"; repeat last has {mse['persistence']:.4f}" if repeated else "")
