"""Two forecasters' attention beside each other: the maps of matched heads, and what differs."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from headway.report import style
from headway.report.attention_frame import axes_at, draw_weights, lag_ticks, times_uniform, weight_bar
from headway.report.footer import wrapped
from headway.report.shapes import FloatArray
from headway.report.sweep_frame import cut

MOST_LAYERS, MOST_PAIRS = 4, 6  # drawn: the last layers, and of each its most alike pairs

_DIFFERENCES = "RdBu_r"  # white where both attend alike
_LEAST_RANGE = 0.3  # of weight x T either side of 0, so that two runs that attend alike look it
_WIDEST, _NARROWEST = 9.0, 6.5  # inches
_LEFT, _RIGHT, _APART, _UPRIGHT = 0.95, 0.95, 0.12, 0.1  # inches
_TOP, _ABOVE, _LABELS, _LINE, _EDGE = 0.45, 0.42, 0.3, 0.145, 0.15  # inches
_LARGE, _SMALL_SIDE = 1.45, 1.0  # inches, of a map; smaller where rows are many
_FEW_ROWS = 2

Pair = tuple[int, int, float]  # head of A, head of B, similarity


def attention_comparison(
    first: FloatArray,
    second: FloatArray,
    pairs: Sequence[Sequence[Pair]],
    *,
    names: tuple[str, str],
    clock: np.timedelta64,
    title: str,
    skill: str,
) -> Figure:
    """Draw a row of blocks per layer, a block per matched pair of heads: A's map, B's map, and B - A.

    At most the last four layers are drawn, and of each the six pairs that are most alike; six pairs
    and fewer in all stand in one row. Which pairs and layers are left out, and which heads have no
    partner, is said below the picture. All differences have one range of colours, symmetric about 0
    and never wider than that of the maps.

    Args:
        first: A's softmaxed weights, mean over windows [L, N, T, S].
        second: B's, over the same windows [L, M, T, S].
        pairs: By layer (head of A, head of B, similarity from 0 to 1), heads counted from 0 [L].
        names: Of A and of B.
        clock: Length of one step.
        title: What the picture is of.
        skill: Sentence below the picture: who forecasts better.

    Raises:
        ValueError: The shapes differ beyond the number of heads, weights do not add up to 1, there is
            no pair, or a pair names a head that is not there or is in another pair.
    """
    one = times_uniform("first", first, "LNTS")
    layers, _, attending, attended = one.shape
    other = times_uniform("second", second, "LMTS", L=layers, T=attending, S=attended)
    _check_pairs(pairs, heads=(one.shape[1], other.shape[1]), layers=layers)
    shown = range(max(0, layers - MOST_LAYERS), layers)
    rows = [[(layer, *pair) for pair in _most_alike(pairs[layer])] for layer in shown]
    if sum(map(len, rows)) <= MOST_PAIRS:
        rows = [[pair for row in rows for pair in row]]
    columns = max(map(len, rows))

    side = min(
        _LARGE if len(rows) <= _FEW_ROWS else _SMALL_SIDE,
        (_WIDEST - _LEFT - _RIGHT - _APART * (columns - 1)) / columns,
    )
    width = max(_NARROWEST, _LEFT + columns * side + (columns - 1) * _APART + _RIGHT)
    verdict = wrapped(skill, width - 2 * _EDGE, size=style.BODY)
    notes = [cut(f"{letter}: {name}", width - 2 * _EDGE) for letter, name in zip("AB", names, strict=True)]
    note = _note(pairs, heads=(one.shape[1], other.shape[1]), shown=shown)
    notes += wrapped(note, width - 2 * _EDGE, size=style.SMALL)
    below = 0.1 + _LINE * (1.15 * len(verdict) + len(notes)) + 0.15
    block = _ABOVE + 3 * side + 2 * _UPRIGHT + _LABELS
    height = _TOP + block * len(rows) + below
    figure = style.figure(width, height)
    style.heading(figure, cut(title, width - 2 * _EDGE, size=style.TITLE + 1, bold=True))

    differences = [other[layer, j] - one[layer, i] for row in rows for layer, i, j, _ in row]
    limit = max(_LEAST_RANGE, *(float(np.abs(difference).max()) for difference in differences))
    limit = min(limit, style.WEIGHT_LIMITS[1])
    for row, blocks in enumerate(rows):
        top = height - _TOP - row * block - _ABOVE
        for column, (layer, i, j, similarity) in enumerate(blocks):
            maps = {"A": one[layer, i], "B": other[layer, j], "B - A": other[layer, j] - one[layer, i]}
            for line, (name, values) in enumerate(maps.items()):
                left, bottom = _LEFT + column * (side + _APART), top - (line + 1) * side - line * _UPRIGHT
                axes = axes_at(figure, left=left, bottom=bottom, width=side, height=side, label=name)
                if line < 2:
                    draw_weights(axes, values)
                else:
                    _draw_difference(axes, values, limit=limit)
                _label(axes, values.shape, clock=clock, side=side, x=line == 2, y=name if column == 0 else "")
                if line == 0:
                    heads = f"L{layer + 1}: A H{i + 1}, B H{j + 1}\nsimilarity {similarity:.2f}"
                    axes.set_title(heads, fontsize=style.SMALL, color=style.INK, pad=3)
    right = _LEFT + columns * (side + _APART) + 0.05
    _draw_bars(figure, left=right, top=height - _TOP - _ABOVE, side=side, limit=limit)
    _write_below(figure, verdict, notes)
    return figure


def _check_pairs(pairs: Sequence[Sequence[Pair]], *, heads: tuple[int, int], layers: int) -> None:
    if len(pairs) != layers:
        raise ValueError(f"pairs must hold one list per layer: got {len(pairs)} for {layers} layers")
    for layer, matched in enumerate(pairs):
        if not matched:
            raise ValueError(f"pairs must hold at least one pair per layer: got none for layer {layer + 1}")
        for place, count in enumerate(heads):
            used = [pair[place] for pair in matched]
            if len(set(used)) < len(used) or not set(used) <= set(range(count)):
                raise ValueError(
                    f"pairs must name each head of {'AB'[place]} at most once, from 0 to {count - 1}: "
                    f"got {used} in layer {layer + 1}"
                )


def _most_alike(pairs: Sequence[Pair]) -> list[Pair]:
    """The pairs that are drawn, in the order of A's heads."""
    return sorted(sorted(pairs, key=lambda pair: -pair[2])[:MOST_PAIRS])


def _note(pairs: Sequence[Sequence[Pair]], *, heads: tuple[int, int], shown: range) -> str:
    """How to read the maps, which heads are alone, and what is left out."""
    sentences = ["Rows of a map: time attending; columns: time attended to."]
    for place, count in enumerate(heads):
        alone = [sorted(set(range(count)) - {pair[place] for pair in matched}) for matched in pairs]
        if any(alone):
            by_layer = [
                f"L{layer + 1} {', '.join(f'H{head + 1}' for head in unmatched)}"
                for layer, unmatched in enumerate(alone)
                if unmatched
            ]
            sentences.append(f"Of {'AB'[place]} without partner: {'; '.join(by_layer)}.")
    if shown.start:
        sentences.append(f"Not drawn: {'layer 1' if shown.start == 1 else f'layers 1 to {shown.start}'}.")
    hidden = sum(max(0, len(pairs[layer]) - MOST_PAIRS) for layer in shown)
    if hidden:
        which = "pair that is" if hidden == 1 else "pairs that are"
        sentences.append(f"Not drawn: {hidden} {which} less alike.")
    return " ".join(sentences)


def _draw_difference(axes: Axes, values: FloatArray, *, limit: float) -> None:
    axes.imshow(values, cmap=_DIFFERENCES, vmin=-limit, vmax=limit, aspect="auto", interpolation="nearest")
    axes.spines[:].set(visible=True, color=style.FAINT)
    axes.tick_params(labelsize=style.SMALL, length=2, width=0.6, color=style.MUTED, labelcolor=style.INK, pad=2)


def _label(axes: Axes, shape: tuple[int, ...], *, clock: np.timedelta64, side: float, x: bool, y: str) -> None:
    """Name the lags of outer axes alone, and what a row of maps is beside its first."""
    for axis, length, named in ((axes.yaxis, shape[0], bool(y)), (axes.xaxis, shape[1], x)):
        places, names = lag_ticks(length, clock=clock, inches=side)
        axis.set_ticks(places, names if named else [""] * len(names))
    if y:
        axes.set_ylabel(y, fontsize=style.BODY, fontweight="bold", color=style.INK)
        axes.yaxis.set_label_coords(-0.62 / side, 0.5)


def _draw_bars(figure: Figure, *, left: float, top: float, side: float, limit: float) -> None:
    """Both legends of colours beside the first layer."""
    weight_bar(figure, left=left, bottom=top - 2 * side - _UPRIGHT, height=2 * side + _UPRIGHT)
    bottom = top - 3 * side - 2 * _UPRIGHT
    axes = axes_at(figure, left=left, bottom=bottom, width=0.12, height=side - 0.1, label="differences")
    drawn = next(one.images[0] for one in figure.axes if one.get_label() == "B - A")
    bar = figure.colorbar(drawn, cax=axes, extend="both" if limit == style.WEIGHT_LIMITS[1] else "neither")
    bar.set_ticks([-limit, 0, limit], labels=[f"{-limit:.2g}", "0", f"{limit:.2g}"])
    bar.outline.set_visible(False)
    bar.set_label("B - A", size=style.SMALL, color=style.INK)
    axes.tick_params(labelsize=style.SMALL, length=2, labelcolor=style.INK)


def _write_below(figure: Figure, verdict: Sequence[str], notes: Sequence[str]) -> None:
    """The sentence on skill, and below it the notes; names in both may hold a dollar."""
    width, height = figure.get_size_inches()
    place: dict[str, Any] = {"x": _EDGE / width, "va": "bottom", "parse_math": False}
    figure.text(s="\n".join(notes), y=0.1 / height, size=style.SMALL, color=style.MUTED, **place)
    above = 0.15 + _LINE * len(notes)
    figure.text(s="\n".join(verdict), y=above / height, size=style.BODY, color=style.INK, **place)
