"""The report of a finished run, on a phone and on a desk, in light and in dark."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.support.wait import WebDriverWait

pytestmark = pytest.mark.browser

SECONDS = 60
LEAST_CONTRAST = 4.5
"""For text of normal size: WCAG 2.2, success criterion 1.4.3 (AA)."""

LOAD_EVERYTHING = """
for (const image of document.images) image.scrollIntoView();
window.scrollTo(0, 0);
return document.readyState === "complete" && document.fonts.status === "loaded"
    && [...document.images].every(image => image.complete);
"""

SHOWN = """
const shown = element => element.checkVisibility({opacityProperty: true, visibilityProperty: true})
    && element.getBoundingClientRect().width > 1;
"""

CUT_OFF = """
const scrolls = element => ["auto", "scroll"].includes(getComputedStyle(element).overflowX);
const inside = element => element === document.body ? false : scrolls(element) || inside(element.parentElement);
return [...document.body.querySelectorAll("*:not(svg *)")]
    .filter(element => element.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
    .filter(element => !inside(element.parentElement ?? document.body))
    .map(element => element.outerHTML.slice(0, 90));
"""

COLOURS = f"""
{SHOWN}
const canvas = new OffscreenCanvas(1, 1).getContext("2d", {{willReadFrequently: true}});
const pixel = colours => {{
    canvas.globalAlpha = 1;
    canvas.fillStyle = "Canvas";
    canvas.fillRect(0, 0, 1, 1);
    for (const [colour, opacity] of colours) {{
        canvas.globalAlpha = opacity;
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
    }}
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
}};
const layers = element => element === null ? []
    : [...layers(element.parentElement), [getComputedStyle(element).backgroundColor, 1]];
const opacity = element => element === null ? 1 : getComputedStyle(element).opacity * opacity(element.parentElement);
const speaks = element => [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
return [document.body, ...[...document.body.querySelectorAll("*")].filter(element => speaks(element) && shown(element))]
    .map(element => [
        element.tagName + " " + element.textContent.trim().slice(0, 60),
        pixel([...layers(element), [getComputedStyle(element).color, opacity(element)]]),
        pixel(layers(element)),
    ]);
"""
"""For the body and for all that holds text of its own: its beginning, and the colours of text and ground as they are painted."""


@dataclass(frozen=True)
class Opened:
    """The report as a reader has it in front of him, with what the browser noted on the way."""

    width: int
    scheme: str
    errors: Sequence[str]
    requests: Sequence[str]


@pytest.fixture(scope="module")
def report(run_folder: Path) -> Path:
    return run_folder / "report.html"


@pytest.fixture(
    scope="module",
    params=[(width, scheme) for width in (390, 1440) for scheme in ("light", "dark")],
    ids=lambda case: f"{case[0]}-{case[1]}",
)
def opened(
    request: pytest.FixtureRequest,
    browser: Chrome,
    report: Path,
    errors: Callable[[], list[str]],
    requests: Callable[[], list[str]],
) -> Opened:
    width, scheme = request.param
    phone = {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
    prefer(browser, scheme)
    browser.get("about:blank")
    errors(), requests()
    browser.get(report.as_uri())
    WebDriverWait(browser, SECONDS).until(lambda page: page.execute_script(LOAD_EVERYTHING))
    return Opened(width, scheme, errors(), requests())


def prefer(browser: Chrome, scheme: str) -> None:
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    )


def luminance(colour: Sequence[int]) -> float:
    """Relative luminance of 8-bit sRGB: WCAG 2.2, definition of relative luminance."""
    shares = [part / 255 for part in colour]
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: Sequence[int], other: Sequence[int]) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_contrast_is_that_of_the_standard() -> None:
    # Black on white, and the lightest grey on white that passes and the first that does not, as WebAIM's checker has them.
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert contrast((255, 255, 255), (118, 118, 118)) > LEAST_CONTRAST > contrast((119, 119, 119), (255, 255, 255))


def test_the_report_opens_without_an_error_in_the_console(opened: Opened) -> None:
    assert opened.errors == []


def test_the_report_asks_for_nothing_but_itself(opened: Opened, report: Path) -> None:
    assert opened.requests == [report.as_uri()]


def test_the_report_is_as_wide_as_the_screen(browser: Chrome, opened: Opened) -> None:
    # Without a viewport of its own a page is laid out for a desk, on a phone as well.
    assert browser.execute_script("return innerWidth") == opened.width
    assert browser.execute_script("return document.documentElement.scrollWidth") <= opened.width
    assert browser.execute_script(CUT_OFF) == []


def test_every_picture_of_the_report_is_drawn_and_described(browser: Chrome, opened: Opened) -> None:
    pictures = browser.execute_script("return [...document.images].map(image => [image.alt, image.naturalWidth])")
    assert pictures
    assert [picture for picture in pictures if not picture[0].strip() or not picture[1]] == []


def test_the_report_shows_its_title_and_the_headline_of_the_run(
    browser: Chrome, opened: Opened, run_folder: Path
) -> None:
    (title,) = browser.execute_script(f"{SHOWN} return [...document.querySelectorAll('h1')].filter(shown)")
    assert title.text.strip()
    headline = (run_folder / "report.md").read_text().splitlines()[0].strip("*")
    assert headline in re.sub(r"\s+", " ", browser.execute_script("return document.body.innerText"))


def test_every_word_of_the_report_can_be_read(browser: Chrome, opened: Opened) -> None:
    found = browser.execute_script(COLOURS)
    assert len(found) > 1
    weak = [(words, text, ground) for words, text, ground in found if contrast(text, ground) < LEAST_CONTRAST]
    assert weak == []


def test_the_report_is_dark_where_the_reader_prefers_it(browser: Chrome, opened: Opened) -> None:
    grounds = {}
    # The scheme of the page comes last, so that it is as it was.
    for scheme in ("dark", "light") if opened.scheme == "light" else ("light", "dark"):
        prefer(browser, scheme)
        grounds[scheme] = luminance(browser.execute_script(COLOURS)[0][2])
    assert grounds["dark"] < 0.2 < 0.7 < grounds["light"]
