"""Colours of the report page: all its texts can be read, in light and in dark."""

import re
from importlib import resources
from itertools import product

import pytest

from headway.report import style
from headway.report.svg import DARK, DARK_PAPER, PAPER

SHEET = (resources.files("headway.report") / "templates" / "page.css").read_text()


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours: WCAG 2.2, relative luminance."""

    def luminance(colour: str) -> float:
        parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def colours(scheme: str) -> dict[str, str]:
    light, dark = re.findall(r":root \{(.*?)\}", SHEET, re.DOTALL)
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", light if scheme == "light" else dark))


def test_the_formula_of_the_contrast_gives_known_ratios() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)  # WebAIM's example


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_of_the_page_stands_out_from_what_is_behind_it(scheme: str) -> None:
    found = colours(scheme)
    texts = set(re.findall(r"[ {;]color: var\(--([a-z-]+)\)", SHEET))
    papers = set(re.findall(r"background: var\(--([a-z-]+)\)", SHEET))
    tones = {"positive", "negative", "neutral"}
    assert texts == {"ink", "soft", "accent", *tones}
    assert papers == {"paper", "tint", *(f"{tone}-back" for tone in tones)}
    pairs = [*product(texts - tones, ["paper", "tint"]), *((tone, f"{tone}-back") for tone in tones)]
    low = {pair: ratio for pair in pairs if (ratio := contrast(*(found[name] for name in pair))) < 4.5}
    assert not low


def test_the_dark_page_sets_every_colour_anew_and_only_on_a_screen() -> None:
    assert colours("light").keys() == colours("dark").keys()
    assert all(colours("light")[name] != value for name, value in colours("dark").items())
    assert re.findall(r"@media ([^{]*dark[^{]*)\{", SHEET) == ["screen and (prefers-color-scheme: dark) "]
    assert not re.search(r"(?<![-\w])(?:color|background): #", SHEET)


def test_pictures_stand_on_the_paper_of_the_page() -> None:
    assert (colours("light")["paper"], colours("dark")["paper"]) == (PAPER, DARK_PAPER)


def test_pictures_can_be_read_in_the_dark() -> None:
    for text in (style.INK, style.MUTED):
        assert contrast(text, PAPER) >= 4.5
        assert contrast(DARK[text], DARK_PAPER) >= 4.5
    for line in (style.MODEL, *style.RIVALS):
        assert contrast(DARK[line], DARK_PAPER) >= 3
