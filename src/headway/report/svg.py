"""A figure as SVG for a page: light, and dark where the reader's screen is."""

import re
from collections.abc import Iterable
from io import StringIO
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from numpy.typing import NDArray

from headway.report import style

PAPER, DARK_PAPER = "#ffffff", "#15181d"  # behind a picture, and behind the page it stands in

# Light -> dark. On the dark paper text keeps a contrast above 4.5, lines and bars one above 3.
DARK = {
    PAPER: DARK_PAPER,
    style.INK: "#e6e8eb",
    style.MUTED: "#a3abb5",
    style.FAINT: "#3a4149",
    style.MODEL: "#4ba6e8",
    **dict(
        zip(style.RIVALS, ("#f2803a", "#2bbf94", "#dd95bd", "#f0b429", "#a9dcfb", "#9b9b9b"), strict=True),
    ),
}

_SETTINGS: Any = {
    "svg.fonttype": "path",  # a picture in an <img> has no fonts but the reader's, whose letters are wider
    "svg.hashsalt": "headway",  # else ids are drawn by chance
    "svg.image_inline": True,
    "svg.id": None,
    "savefig.bbox": None,
    "savefig.facecolor": "auto",
    "savefig.edgecolor": "auto",
    "savefig.transparent": False,
}
_NOTHING = dict.fromkeys(("Creator", "Date", "Format", "Type"))
_COLOUR = re.compile(r"(?<=: )#[0-9a-f]{6}")
_BLACK = "#000000"
_ROUNDING = 1.5 / 255  # how far a blend may lie from the line between its two colours


def svg(figure: Figure) -> str:
    """Return the figure as an SVG document; the same figure gives the same bytes.

    Colours of the style, and their blends with white, are custom properties which the document sets
    anew where the reader prefers dark; colour maps stay as they are. Text is drawn as outlines, so
    that it lies where the figure put it whatever fonts the reader has.

    Args:
        figure: Any figure of this package; it is left as it was.
    """
    buffer = StringIO()
    with rc_context(_SETTINGS):
        figure.savefig(buffer, format="svg", dpi="figure", metadata=_NOTHING)
    drawn = buffer.getvalue()
    drawn = drawn[drawn.index("<svg") :]  # an XML prologue names a DTD on the network
    drawn = re.sub(r"<!--.*?-->\s*", "", drawn, flags=re.DOTALL)
    light = {colour: dark for colour in sorted(set(_COLOUR.findall(drawn))) if (dark := in_the_dark(colour)) != colour}
    drawn = _COLOUR.sub(lambda found: f"var({_name(found[0])})" if found[0] in light else found[0], drawn)
    # Black is what matplotlib does not write: it is inherited, from here.
    rules = (
        f"svg{{{_set((colour, colour) for colour in light)};fill:{_BLACK}}}"
        f"@media screen and (prefers-color-scheme:dark){{svg{{{_set(light.items())};fill:{DARK[style.INK]}}}}}"
    )
    head, tail = drawn.split(">", 1)
    return f"{head}><style>{rules}</style>{tail}"


def in_the_dark(colour: str) -> str:
    """Return what a colour becomes on dark paper.

    A blend of one of the style's colours with white, such as the band of a fan, becomes the same
    blend of their dark counterparts. Whatever else there is, such as a colour map, stays.

    Args:
        colour: As '#rrggbb', in lower case.
    """
    if colour == _BLACK:
        return DARK[style.INK]
    if colour in DARK:
        return DARK[colour]
    paper, wanted = _rgb(PAPER), _rgb(colour)
    for pure, dark in DARK.items():
        line = _rgb(pure) - paper
        if not line.any():
            continue
        share = float((wanted - paper) @ line / (line @ line))
        if share <= 1 and np.abs(paper + share * line - wanted).max() <= _ROUNDING:
            red, green, blue = share * _rgb(dark) + (1 - share) * _rgb(DARK_PAPER)
            return to_hex((red, green, blue))
    return colour


def _rgb(colour: str) -> NDArray[np.float64]:
    return np.array(to_rgb(colour))


def _name(colour: str) -> str:
    return f"--c{colour[1:]}"


def _set(values: Iterable[tuple[str, str]]) -> str:
    return ";".join(f"{_name(colour)}:{value}" for colour, value in values)
