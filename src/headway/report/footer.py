"""What pictures of a verdict share: the verdict below them, and axes of relative rises."""

from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from headway.report import style
from headway.report.sweep_frame import cut, width_of

EDGE, _LINE, _VERDICT_LINE, _APART = 0.15, 0.145, 0.165, 0.08  # inches
_WHOLE_PERCENT, _TENTHS = 0.04, 0.004  # longer axes have their ticks at whole percentages, or at tenths
ROUND = (1, 2, 5, 10)  # ticks at other multiples would need more digits


@dataclass(frozen=True)
class Footer:
    """A verdict below a picture, and above it a small note on how to read the picture.

    Attributes:
        verdict: A sentence or more.
        note: The same; may be empty.
        width: Of the picture in inches, which lines do not exceed.
    """

    verdict: str
    note: str
    width: float

    @property
    def height(self) -> float:
        """Inches that the lines take, with the space below them."""
        verdict, note = self._lines()
        return self._note_bottom(verdict) + _LINE * len(note)

    def write(self, figure: Figure) -> None:
        """Write the lines into the lower left corner of a figure."""
        verdict, note = self._lines()
        height = figure.get_figheight()
        place: dict[str, Any] = {"x": EDGE / self.width, "va": "bottom", "parse_math": False}
        figure.text(s="\n".join(verdict), y=0.1 / height, size=style.BODY, color=style.INK, **place)
        if note:
            bottom = self._note_bottom(verdict) / height
            figure.text(s="\n".join(note), y=bottom, size=style.SMALL, color=style.MUTED, **place)

    def _lines(self) -> tuple[list[str], list[str]]:
        room = self.width - 2 * EDGE
        return wrapped(self.verdict, room, size=style.BODY), wrapped(self.note, room, size=style.SMALL)

    def _note_bottom(self, verdict: list[str]) -> float:
        return 0.1 + _VERDICT_LINE * len(verdict) + _APART


def wrapped(text: str, inches: float, *, size: float) -> list[str]:
    """Break a text of so many points into lines that are no wider; a word that is wider loses its middle."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and width_of(longer, size=size) <= inches:
            lines[-1] = longer
        else:
            lines.append(cut(word, inches, size=size))
    return lines


def percent_axis(axes: Axes, which: str, *, ticks: int) -> None:
    """Write at most so many ticks of an axis, 'x' or 'y', as percentages of values that are parts of 1."""
    axis = {"x": axes.xaxis, "y": axes.yaxis}[which]
    low, high = axis.get_view_interval()
    span = high - low
    digits = 0 if span > _WHOLE_PERCENT else 1 if span > _TENTHS else None
    axis.set_major_locator(MaxNLocator(ticks, steps=ROUND))
    axis.set_major_formatter(PercentFormatter(1.0, decimals=digits))
