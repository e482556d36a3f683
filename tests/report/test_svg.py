"""Figures as SVG: the same bytes every time, in light and in dark colours."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib import colormaps, rc_context
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from headway.report import style
from headway.report.png import png
from headway.report.svg import DARK, DARK_PAPER, PAPER, in_the_dark, svg

VIRIDIS = [to_hex(colour) for colour in colormaps[style.COLOUR_MAP](np.linspace(0, 1, 7))]


def drawn() -> Figure:
    figure = style.figure(3.0, 2.0)
    axes = figure.add_axes((0.2, 0.2, 0.7, 0.7))
    style.frame(axes, xlabel="<lag> -- & $x$", ylabel="weight")
    axes.bar(range(7), range(1, 8), color=VIRIDIS)
    axes.plot([0, 5], [1, 2], color=style.MODEL)
    axes.fill_between([0, 5], [0, 1], [2, 3], color="#d9eaf4")
    axes.axvspan(1, 2, color="black")
    axes.imshow(np.arange(6.0).reshape(2, 3), extent=(0, 1, 0, 1), cmap=style.COLOUR_MAP)
    return figure


def rules(document: str, scheme: str) -> dict[str, str]:
    """Custom properties by name, and what black is inherited as, in one of the two schemes."""
    sheet = document.split("<style>")[1].split("</style>")[0]
    light, dark = sheet.split("@media screen and (prefers-color-scheme:dark)")
    return dict(re.findall(r"([a-z0-9-]+):(#[0-9a-f]{6})", light if scheme == "light" else dark))


def test_the_same_figure_gives_the_same_bytes() -> None:
    figure = drawn()
    assert svg(figure) == svg(figure) == svg(drawn())


def test_a_users_settings_of_matplotlib_change_nothing() -> None:
    expected = svg(drawn())
    theirs = {"svg.fonttype": "none", "svg.hashsalt": "theirs", "savefig.bbox": "tight", "savefig.facecolor": "red"}
    with rc_context({**theirs, "svg.image_inline": False, "savefig.dpi": 30, "savefig.transparent": True}):
        assert svg(drawn()) == expected


def test_the_figure_is_left_as_it_was() -> None:
    figure = drawn()
    before, canvas, dpi = png(figure), type(figure.canvas), figure.dpi
    svg(figure)
    assert (type(figure.canvas), figure.dpi) == (canvas, dpi)
    assert png(figure) == before


def test_it_is_well_formed_and_says_nothing_but_the_picture() -> None:
    document = svg(drawn())
    root = ElementTree.fromstring(document)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert (root.get("width"), root.get("height")) == ("216pt", "144pt")
    tags = {element.tag.split("}")[1] for element in root.iter()}
    assert not tags & {"text", "metadata", "script"}
    assert "<!" not in document
    assert "<?" not in document


def test_nothing_in_it_is_loaded_from_elsewhere() -> None:
    addresses = re.findall(r'href="([^"]{1,11})|url\(([^)]{1,11})', svg(drawn()))
    starts = {found[:5] for pair in addresses for found in pair if found}
    assert {start[0] for start in starts - {"data:"}} == {"#"}


def test_every_colour_of_the_style_is_a_property_with_a_light_and_a_dark_value() -> None:
    document = svg(drawn())
    light, dark = rules(document, "light"), rules(document, "dark")
    assert light.pop("fill") == "#000000"
    assert dark.pop("fill") == DARK[style.INK]
    assert light == {f"--c{value[1:]}": value for value in light.values()}
    for colour in (PAPER, style.INK, style.MUTED, style.FAINT, style.MODEL, "#d9eaf4"):
        name = f"--c{colour[1:]}"
        assert (light[name], dark[name]) == (colour, in_the_dark(colour))
        assert document.count(f"var({name})") > 0
        assert f": {colour}" not in document
    assert light.keys() == dark.keys()


def test_colours_of_a_colour_map_stay() -> None:
    document = svg(drawn())
    assert all(f": {colour}" in document for colour in VIRIDIS)


def test_every_colour_of_the_style_has_a_dark_one_of_its_own() -> None:
    names = {style.INK, style.MUTED, style.FAINT, style.MODEL, *style.RIVALS, PAPER}
    assert names == set(DARK)
    assert len(set(DARK.values())) == len(DARK)
    assert all(in_the_dark(colour) == dark for colour, dark in DARK.items())


@pytest.mark.parametrize("pure", [style.MODEL, *style.RIVALS[:5]])
def test_a_blend_with_white_becomes_the_same_blend_in_the_dark(pure: str) -> None:
    share = 0.35

    def mixed(colour: str, paper: str) -> list[int]:
        pairs = [(int(colour[k : k + 2], 16), int(paper[k : k + 2], 16)) for k in (1, 3, 5)]
        return [round(share * a + (1 - share) * b) for a, b in pairs]

    light = "#" + "".join(f"{part:02x}" for part in mixed(pure, "#ffffff"))
    dark = in_the_dark(light)
    found = [int(dark[k : k + 2], 16) for k in (1, 3, 5)]
    assert found == pytest.approx(mixed(DARK[pure], DARK_PAPER), abs=3)  # the light one was rounded


def test_black_becomes_ink_and_a_grey_becomes_a_grey_between_ink_and_paper() -> None:
    assert in_the_dark("#000000") == DARK[style.INK]
    grey = in_the_dark("#c0c0c0")
    assert int(DARK_PAPER[1:3], 16) < int(grey[1:3], 16) < int(DARK[style.INK][1:3], 16)


@pytest.mark.parametrize("colour", ["#d0021b", "#bd518d"])  # the second is deeper than a rival's, in its direction
def test_a_colour_that_is_no_blend_stays(colour: str) -> None:
    assert in_the_dark(colour) == colour
