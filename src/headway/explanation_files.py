"""What an explanation leaves in a run's folder: tables, words, arrays and pictures."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from tabulate import tabulate

from headway import files
from headway.attention.deletion import ORDERS, REPLACEMENTS
from headway.data.clock import Clock
from headway.explanation import Array, Explanation
from headway.report import offsets
from headway.report.attention_groups import attention_groups
from headway.report.deletion import deletion_curves
from headway.report.heads import heads
from headway.report.importance import importance
from headway.report.png import png

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WORDS, IMPORTANCE, DELETION, MAPS = "explanation.txt", "importance.csv", "deletion.csv", "attention_maps.npz"


def pictures(explanation: Explanation, clock: Clock) -> dict[str, "Figure"]:
    """File name -> picture."""
    step, over = clock.step, f"over {explanation.windows:,} {explanation.split} windows"
    verdict = explanation.verdict.headline
    found = {
        "importance.png": importance(
            explanation.features,
            explanation.lags,
            attention=explanation.attention,
            clock=step,
            title=f"permutation importance {over}",
            verdict=verdict,
        ),
        "deletion.png": deletion_curves(
            {order: explanation.curves[:, number] for number, order in enumerate(ORDERS)},
            steps=explanation.steps.astype(np.float64),
            replacements=REPLACEMENTS,
            verdict=verdict,
            title=f"deletion of steps {over}",
        ),
        "heads.png": heads(
            explanation.entropy, explanation.distance, explanation.redundancy, clock=step, title=f"heads {over}"
        ),
    }
    if explanation.by:
        found["attention_groups.png"] = attention_groups(
            {name: (group.labels, group.received, group.counts) for name, group in explanation.by.items()},
            clock=step,
            title=f"attention by group {over}",
        )
    return found


def write(
    explanation: Explanation, folder: Path, clock: Clock, *, drawn: "Mapping[str, Figure] | None" = None
) -> list[str]:
    """Write everything into a run's folder; returns the names of the files.

    Args:
        explanation: What was found.
        folder: The run's.
        clock: Of the data.
        drawn: What `pictures` gave, or None to draw them now.
    """
    files.write(folder / WORDS, words(explanation, clock) + "\n")
    lags = lag_names(explanation, clock)
    rows: list[tuple[object, ...]] = [("feature", name, *rise) for name, rise in explanation.features.items()]
    rows += [("lag", name, *rise) for name, rise in zip(lags, explanation.lags, strict=True)]
    if explanation.cells is not None:
        for name, cell in zip(explanation.feature_names, explanation.cells, strict=True):
            rows += [("feature at lag", f"{name} {lag}", *rise) for lag, rise in zip(lags, cell, strict=True)]
    _write_csv(folder / IMPORTANCE, ("what", "name", "rise", "low", "high"), rows)
    _write_csv(
        folder / DELETION,
        ("replacement", "order", "steps", "rise", "low", "high"),
        [
            (replacement, order, int(steps), *explanation.curves[r, o, k])
            for r, replacement in enumerate(REPLACEMENTS)
            for o, order in enumerate(ORDERS)
            for k, steps in enumerate(explanation.steps)
        ],
    )
    _write_maps(explanation, folder / MAPS)
    drawn = drawn or pictures(explanation, clock)
    for name, figure in drawn.items():
        files.write(folder / name, png(figure))
    return [WORDS, IMPORTANCE, DELETION, MAPS, *drawn]


def words(explanation: Explanation, clock: Clock) -> str:
    """The verdict, and the tables behind it, as text."""
    lags = lag_names(explanation, clock)
    length = len(lags)
    parts = sorted(explanation.features.items(), key=lambda item: -item[1][0])
    features = [(name, *_percents(rise), _rho(explanation.feature_rhos, name)) for name, rise in parts]
    by_lag = [
        (name, *_percents(rise), f"{attention * length:.2f}", f"{rolled * length:.2f}")
        for name, rise, attention, rolled in zip(
            lags, explanation.lags, explanation.attention, explanation.rollout, strict=True
        )
    ]
    layers = [
        (f"L{layer + 1} H{head + 1}", f"{entropy:.3f}", f"{explanation.distance[layer, head]:.2f}")
        for (layer, head), entropy in np.ndenumerate(explanation.entropy)
    ]
    rise = "MAE rises by when permuted"
    return "\n\n".join(
        [
            explanation.verdict.words,
            tabulate(features, ("", rise, "95 % interval", "rho of attention with its lags"), disable_numparse=True),
            tabulate(by_lag, ("lag", rise, "95 % interval", "attention x T", "rollout x T"), disable_numparse=True),
            tabulate(layers, ("head", "entropy (1 = uniform)", "mean distance in steps"), disable_numparse=True),
            f"{explanation.windows:,} windows of the {explanation.split} split; lags are counted back from the last step seen, 0. "
            f"Rollout's rank agreement with the lags' importance: {_number(explanation.rollout_rho)}. "
            "rho is Spearman's, divided by the highest that lags of equal rank allow.",
        ]
    )


def lag_names(explanation: Explanation, clock: Clock) -> list[str]:
    """Real times of the lags, '-5 h' to '0'."""
    return offsets.offset_labels(range(1 - len(explanation.lags), 1), clock=clock.step)


def _write_maps(explanation: Explanation, path: Path) -> None:
    arrays = {
        name: getattr(explanation, name)
        for name in ("mean", "spread", "attention", "rollout", "entropy", "distance", "redundancy")
    }
    for name, group in explanation.by.items():
        arrays[f"by/{name}/maps"] = group.maps
        arrays[f"by/{name}/counts"] = group.counts
        arrays[f"by/{name}/labels"] = np.array(group.labels)
    with files.writing(path) as file:
        np.savez_compressed(file, **arrays)


def _write_csv(path: Path, header: tuple[str, ...], rows: list[tuple[object, ...]]) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows(rows)
    files.write(path, text.getvalue())


def _percents(rise: Array) -> tuple[str, str]:
    value, low, high = 100 * rise
    return f"{value:+.1f} %", "" if np.isnan(low) else f"{low:+.1f} to {high:+.1f}"


def _rho(rhos: Mapping[str, float], name: str) -> str:
    return _number(rhos[name]) if name in rhos else ""


def _number(value: float) -> str:
    return "none" if np.isnan(value) else f"{value:.2f}"
