"""How training went: learning curves."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from headway.report import style
from headway.report.shapes import FloatArray, shaped

_LINES = {"train": ("loss", "train/loss"), "validation": ("val_loss", "validation/loss")}
_LOG_RATIO = 20.0  # from this ratio of highest to lowest loss a straight axis hides the end
_MARKED_EPOCHS = 30


def learning_curves(history: Mapping[str, Sequence[float]], *, best_epoch: int | None) -> Figure:
    """Draw train and validation loss by epoch and mark the best epoch.

    Args:
        history: Values by epoch; 'loss' and 'val_loss', or 'train/loss' and 'validation/loss',
            are drawn, other names are not. A loss that is not finite leaves a gap.
        best_epoch: Whose weights are kept, counted from 1; None marks nothing.

    Raises:
        ValueError: There is no loss, the curves differ in length, or the best epoch is not
            among the epochs.
    """
    curves = _curves(history)
    epochs = next(iter(curves.values())).size
    if best_epoch is not None and not 1 <= best_epoch <= epochs:
        raise ValueError(f"best_epoch must be 1 to {epochs}: got {best_epoch}")
    figure = style.figure(7.0, 3.6)
    axes = figure.add_axes((0.1, 0.14, 0.87, 0.75))
    looks = {"train": (style.MUTED, 1.4), "validation": (style.MODEL, 2.2)}
    for name, values in curves.items():
        colour, width = looks[name]
        marker = "o" if epochs <= _MARKED_EPOCHS else ""
        axes.plot(
            np.arange(1, epochs + 1),
            values,
            color=colour,
            lw=width,
            marker=marker,
            ms=3.5,
            label=name,
        )
    finite = np.concatenate([values[np.isfinite(values)] for values in curves.values()])
    logarithmic = bool(finite.size and finite.min() > 0 and finite.max() > _LOG_RATIO * finite.min())
    if logarithmic:
        axes.set_yscale("log")
    if best_epoch is not None:
        judged = curves.get("validation", next(iter(curves.values())))
        best = float(judged[best_epoch - 1])
        axes.axvline(best_epoch, color=style.MUTED, lw=0.9, ls=style.DASHES[0], zorder=0)
        axes.plot(
            [best_epoch],
            [best],
            color=style.RIVALS[0],
            marker="D",
            ms=7,
            ls="",
            zorder=5,
            label=f"best epoch: {best_epoch}, loss {best:.4g}",
        )
    axes.set_xlim(0.5, epochs + 0.5)
    axes.legend(
        loc="upper right",
        facecolor="white",
        edgecolor="none",
        framealpha=1.0,
        fontsize=style.SMALL,
        labelcolor=style.INK,
    )
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    style.frame(
        axes,
        xlabel="epoch",
        ylabel="loss (scaled units, logarithmic)" if logarithmic else "loss (scaled units)",
        title="Loss by epoch",
    )
    return figure


def _curves(history: Mapping[str, Sequence[float]]) -> dict[str, FloatArray]:
    """The losses among the history by the names of their lines, with NaN for what is not finite."""
    found = {name: key for name, keys in _LINES.items() for key in keys if key in history}
    if not found:
        raise ValueError(f"history must hold 'loss' or 'train/loss': got {sorted(history)}")
    epochs = len(next(iter(history[key] for key in found.values())))
    curves = {name: shaped(f"history[{key!r}]", history[key], "E", E=epochs) for name, key in found.items()}
    return {name: np.where(np.isfinite(values), values, np.nan) for name, values in curves.items()}
