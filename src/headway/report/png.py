"""A figure as PNG bytes."""

from io import BytesIO

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


def png(figure: Figure, *, dpi: float | None = None) -> bytes:
    """Return the figure as PNG bytes; the same figure gives the same bytes.

    Args:
        figure: Any figure of this package; it is left as it was.
        dpi: Pixels per inch; None takes the figure's own.
    """
    buffer = BytesIO()
    FigureCanvasAgg(figure)
    figure.savefig(buffer, format="png", dpi="figure" if dpi is None else dpi, metadata={"Software": None})
    return buffer.getvalue()
