"""What a reader of any picture must not meet: texts that touch, or that the edge cuts."""

from collections.abc import Callable
from itertools import combinations

import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text


@pytest.fixture(scope="session")
def overlaps() -> Callable[[Figure], list[tuple[str, str]]]:
    """Finds pairs of texts that touch, and texts cut by the picture's edge beside an empty string."""
    return _overlaps


def _overlaps(figure: Figure) -> list[tuple[str, str]]:
    figure.draw_without_rendering()
    unseen = [
        label
        for axes in figure.axes
        for axis in (axes.xaxis, axes.yaxis)
        for tick in axis.get_major_ticks()
        for label in (tick.label1, tick.label2)
        if not min(axis.get_view_interval()) <= tick.get_loc() <= max(axis.get_view_interval())
    ]
    texts = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
    boxes = {text: Text.get_window_extent(text) for text in texts if text not in unseen}  # without leader lines
    pairs = [(a.get_text(), b.get_text()) for a, b in combinations(boxes, 2) if boxes[a].overlaps(boxes[b])]
    page = figure.bbox
    cut = [
        (text.get_text(), "")
        for text, box in boxes.items()
        if box.x0 < page.x0 or box.x1 > page.x1 or box.y0 < page.y0 or box.y1 > page.y1
    ]
    return pairs + cut
