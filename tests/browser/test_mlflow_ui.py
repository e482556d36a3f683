"""MLflow's UI on a finished run, as the shipped view shows it."""

import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

pytestmark = pytest.mark.browser

SECONDS = 60
STEPS = [0, 1, 2, 3]
"""Before the first of three epochs, and after each."""

SECTION = "//*[@data-testid='experiment-view-compare-runs-section-header']"
CARD = "//*[@data-testid='experiment-view-compare-runs-card'][.//*[@title='attention/all_heads']]"

EXPECTED_ERRORS = ("/ajax-api/2.0/mlflow/users/current",)
"""The page asks who is logged in; a server without accounts answers 404, and Chromium writes every 404 to the console."""


@pytest.fixture(scope="module")
def link(trained: Path) -> Iterator[str]:
    """The first link that the server prints; the server is gone when the module's tests have ended."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-u",
        "-m",
        "headway.tracking",
        "ui",
        "--uri",
        "sqlite:///mlflow.db",
        "--port",
        str(port),
    ]
    with subprocess.Popen(command, cwd=trained, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as server:
        try:
            assert server.stdout is not None
            words = server.stdout.readline()
            assert words.startswith("Open http://127.0.0.1:"), words + server.stdout.read()
            yield words.removeprefix("Open ").strip()
        finally:
            # The same as Ctrl-C: it stops MLflow, which runs in a process group of its own, and waits for it.
            server.terminate()


@pytest.fixture(scope="module")
def charts(browser: Chrome, link: str) -> Chrome:
    """The chart view, opened by the link, with the card of the attention picture in sight."""
    browser.get(link)
    # The cards of a section are not there before it is scrolled to.
    for place in (section, card):
        browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", until(browser, place, place.__name__))
    return browser


def until(page: Chrome, found: Callable[[Chrome], Any], what: str) -> Any:
    # The page draws its cards anew as data come in: an element that was found may be gone.
    passing = (NoSuchElementException, StaleElementReferenceException)
    wait = WebDriverWait(page, SECONDS, poll_frequency=0.1, ignored_exceptions=passing)
    return wait.until(found, f"not there after {SECONDS} s: {what} of the attention picture")


def section(page: Chrome) -> WebElement:
    return page.find_element(By.XPATH, f"{SECTION}[starts-with(., 'Attention')]")


def card(page: Chrome) -> WebElement:
    return page.find_element(By.XPATH, CARD)


def slider(page: Chrome) -> WebElement:
    return card(page).find_element(By.CSS_SELECTOR, "[role=slider]")


def picture_at(page: Chrome, step: int) -> str:
    """The address of the attention picture, once it is drawn and slider, number and picture all stand at the step."""

    def address(page: Chrome) -> str:
        image = card(page).find_element(By.TAG_NAME, "img")
        number = card(page).find_element(By.CSS_SELECTOR, "input[type=number]")
        source = image.get_attribute("src")
        drawn = page.execute_script("return arguments[0].complete && arguments[0].naturalWidth > 0", image)
        steps = {slider(page).get_attribute("aria-valuenow"), number.get_attribute("value")}
        steps |= set(re.findall(r"\+step\+(\d+)\+", unquote(source)))
        return source if drawn and image.is_displayed() and steps == {str(step)} else ""

    return until(page, address, f"step {step}")


def test_charts_are_grouped_as_skill_training_attention_and_system(charts: Chrome) -> None:
    headers = [header.text for header in charts.find_elements(By.XPATH, SECTION)]
    assert [re.split(r"\s*\(", header)[0] for header in headers[:4]] == ["Skill", "Training", "Attention", "System"]


def test_the_attention_picture_of_the_last_epoch_is_shown_first(charts: Chrome) -> None:
    assert "attention~all_heads" in unquote(picture_at(charts, STEPS[-1]))
    assert slider(charts).get_attribute("aria-valuemax") == str(STEPS[-1])


def test_the_slider_moves_the_attention_picture_through_the_epochs_and_back(charts: Chrome) -> None:
    sources = [picture_at(charts, STEPS[-1])]
    for key, steps in ((Keys.ARROW_LEFT, STEPS[-2::-1]), (Keys.ARROW_RIGHT, STEPS[1:])):
        for step in steps:
            slider(charts).send_keys(key)
            sources.append(picture_at(charts, step))
    assert len(set(sources)) == len(STEPS)
    assert sources == sources[::-1]


def test_the_charts_raise_no_error_and_ask_no_other_machine(
    charts: Chrome, link: str, errors: Callable[[], list[str]], requests: Callable[[], list[str]]
) -> None:
    assert [error for error in errors() if not any(expected in error for expected in EXPECTED_ERRORS)] == []
    asked = requests()
    assert any("/ajax-api/2.0/mlflow/runs/search" in url for url in asked)
    assert {urlsplit(url).netloc for url in asked} == {urlsplit(link).netloc}
