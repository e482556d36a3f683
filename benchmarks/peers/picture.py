"""The figures of a comparison as a picture: windows per second, one chart for each number of cores."""

import table
from matplotlib.axes import Axes
from systems import in_words

from headway.report import style
from headway.report.png import png

BAR, LEFT, RIGHT, TOP, BOTTOM, BETWEEN = 0.27, 3.1, 1.1, 0.85, 0.75, 0.75  # inches


def draw(results: dict) -> bytes:
    """PNG bytes: bars of windows per wall second, and the share of the matrix rate beside each."""
    charts = [
        (cores, rows) for cores in results["cores"] if (rows := [r for r in table.rows(results, cores) if r.wall])
    ]
    inches = [BAR * len(rows) for _, rows in charts]
    height = TOP + BOTTOM + sum(inches) + BETWEEN * (len(charts) - 1)
    figure = style.figure(8.6, height)
    style.heading(figure, "Training throughput: windows a second, same rows, sizes and batch")
    grid = figure.add_gridspec(
        max(len(charts), 1),
        1,
        height_ratios=inches or [1],
        hspace=BETWEEN * max(len(charts), 1) / max(sum(inches), BAR),
        **style.margins(figure, left=LEFT, right=RIGHT, bottom=BOTTOM, top=TOP),
    )
    for place, (cores, rows) in enumerate(charts):
        _bars(figure.add_subplot(grid[place]), rows, title=in_words(cores))
    style.footnote(
        figure,
        f"Windows of 6 + 6 hours, batch 256, one block of d_model 64, float32; beside each bar the share of the cores' own matrix rate.\n"
        f"Models differ: see the table. {results['processor']}, {results['date']}, medians of {results['repeats']}.",
    )
    return png(figure)


def _bars(axes: Axes, rows: list[table.Row], *, title: str) -> None:
    style.frame(axes, title=title)
    axes.grid(visible=False)
    places = range(len(rows))
    colours = [style.MODEL if row.system.ours else style.RIVALS[5] for row in rows]
    axes.barh(places, [row.wall for row in rows], height=0.68, color=colours)
    for place, row in zip(places, rows, strict=True):
        axes.annotate(
            f"{row.wall:,.0f}   {row.share:.0%}",
            (row.wall, place),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            size=style.SMALL,
            color=style.INK,
        )
    axes.set_yticks(places, [row.system.name for row in rows])
    axes.invert_yaxis()
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_formatter("{x:,.0f}")
