"""What the forecaster attends to, and whether that may be read as importance."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from headway.data.clock import Clock
from headway.explanation import Explanation
from headway.explanation_files import lag_names, pictures
from headway.report.attention import attention_map
from headway.report.attention_epochs import attention_epochs
from headway.report.page import Block, Picture, Section, Table, Text, Verdict
from headway.run_report.excerpt import excerpt, listing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_READOUTS = {
    "all": "The forecast of this model reads every encoded step (model.readout=all), so a step can reach it without "
    "any attention. With model.readout=last attention is the only way.",
    "last": "The forecast of this model reads the last encoded step alone (model.readout=last), so every earlier step "
    "reaches it through attention.",
}


def badge(explanation: Explanation) -> Verdict:
    """Whether attention may be read as importance, in a few words."""
    if explanation.verdict.trusted:
        return Verdict("positive", "attention shows importance")
    return Verdict("negative", "attention is not importance")


def section(
    explanation: Explanation,
    folder: Path,
    clock: Clock,
    *,
    readout: str,
    drawn: "Mapping[str, Figure] | None" = None,
) -> Section:
    """The section on attention.

    Args:
        explanation: What was found.
        folder: The run's, which holds the maps by epoch.
        clock: Of the data.
        readout: What the forecast reads of the encoded steps, "all" or "last".
        drawn: The explanation's pictures by file name, where there are some already.
    """
    short = badge(explanation)
    drawn = drawn or pictures(explanation, clock)
    over = f"{explanation.windows:,} windows of the {explanation.split} split"
    lags = lag_names(explanation, clock)
    most = lags[int(np.argmax(explanation.lags[:, 0]))]
    attended = lags[int(np.argmax(explanation.attention))]
    first = max(explanation.features, key=lambda name: float(explanation.features[name][0]))
    blocks: list[Block] = [
        Verdict(short.tone, short.word, explanation.verdict.words),
        Text(_READOUTS[readout]),
        Picture(
            attention_map(
                explanation.mean, clock=clock.step, title=f"mean attention over {explanation.windows:,} windows"
            ),
            alt=f"Mean attention maps of every layer and head; the step attended to most is {attended}",
            caption=f"Weight x T over {over}: 1 is uniform. Rows attend, columns are attended to.",
        ),
        Picture(
            drawn["importance.png"],
            alt=f"Permutation importance of features, {first} first, and of lags, {most} first, beside the attention each lag receives",
            caption="By how much the error rises when a part of every window is another window's, beside the attention it receives.",
        ),
        _features(explanation),
        _lags(explanation, lags),
        Picture(
            drawn["deletion.png"],
            alt="Error over the number of deleted steps: most attended first, random, least attended first",
            caption="If attention pointed at what matters, the error would rise fastest where the most-attended steps go first.",
        ),
        Picture(
            drawn["heads.png"],
            alt="Entropy and mean distance of every head, and how alike each pair of heads is",
            caption="Entropy 1 is uniform; heads that are alike in every window are redundant.",
        ),
    ]
    if "attention_groups.png" in drawn:
        blocks.append(
            Picture(
                drawn["attention_groups.png"],
                alt=f"Attention each lag receives by {', '.join(explanation.by)}",
                caption=f"Does attention change with {listing(tuple(explanation.by))}?",
            )
        )
    blocks += _evolution(explanation, folder, clock)
    lead = f"Do the steps that receive attention matter to the forecast? Tested on {over}."
    return Section("attention", "Attention", lead, blocks)


def _features(explanation: Explanation) -> Table:
    rhos = explanation.feature_rhos
    parts = sorted(explanation.features.items(), key=lambda item: -item[1][0])
    rows: list[tuple[str, ...]] = []
    for name, rise in parts:
        rho = rhos.get(name, np.nan)
        rows.append((name, *_percents(rise), *([("" if np.isnan(rho) else f"{rho:.2f}")] if rhos else [])))
    note = "By how much the error rises when one part of every window is taken from another window."
    if rhos:
        note += (
            " rho is the rank agreement of the attention each lag receives with the importance of that part at the lag."
        )
    table = Table(
        caption="Importance by feature",
        header=("part", "error rises by", "95 % interval", *(["rho of attention with its lags"] if rhos else [])),
        rows=rows,
        numeric=range(1, 4 if rhos else 3),
        note=note,
    )
    return excerpt(table, [rise for _, (rise, _, _) in parts], which="the most important; importance.csv has all")


def _lags(explanation: Explanation, lags: list[str]) -> Table:
    length = len(lags)
    rows = [
        (lag, *_percents(rise), f"{attention * length:.2f}", f"{rolled * length:.2f}")
        for lag, rise, attention, rolled in zip(
            lags, explanation.lags, explanation.attention, explanation.rollout, strict=True
        )
    ]
    table = Table(
        caption="Importance by lag",
        header=("lag", "error rises by", "95 % interval", "attention x T", "rollout x T"),
        rows=rows,
        numeric=(1, 2, 3, 4),
        note=f"Attention and rollout are multiplied by T = {length}, the number of steps: 1 is an equal share. "
        "Rollout follows attention through all layers and the ways around it (Abnar and Zuidema, 2020).",
    )
    return excerpt(table, explanation.lags[:, 0].tolist(), which="the most important; importance.csv has all")


def _percents(rise: NDArray[np.float64]) -> tuple[str, str]:
    value, low, high = 100 * rise
    return f"{value:+.1f} %", "" if np.isnan(low) else f"{low:+.1f} to {high:+.1f}"


def _evolution(explanation: Explanation, folder: Path, clock: Clock) -> list[Block]:
    path = folder / "attention_epochs.npz"
    if not path.exists():
        return []
    with np.load(path, allow_pickle=False) as stored:
        epochs, received, best = stored["epochs"].tolist(), stored["received"], int(stored["best"])
    figure = attention_epochs(received, epochs=epochs, best=best, clock=clock.step, title="attention by epoch")
    return [
        Picture(
            figure,
            alt=f"Attention each lag receives in every head over {max(epochs)} epochs",
            caption=f"How attention came to be what it is; the weights of epoch {best} are kept.",
        )
    ]
