"""The saved view as a tag."""

import json

import pytest

from headway.tracking import view


def test_a_view_is_the_same_text_every_time_so_that_it_is_written_once() -> None:
    assert view.tag(["temp"], rivals=["linear"], horizon=5) == view.tag(["temp"], rivals=["linear"], horizon=5)


def test_every_chart_lies_in_a_section_that_exists() -> None:
    state = view.decode(view.tag(["temp", "dewp"], rivals=["linear"], horizon=3)[1])
    sections = {section["uuid"] for section in state["compareRunSections"]}
    assert {chart["metricSectionId"] for chart in state["compareRunCharts"]} <= sections
    assert len({chart["uuid"] for chart in state["compareRunCharts"]}) == len(state["compareRunCharts"])


def test_the_attention_card_shows_no_parameters() -> None:
    (card,) = [chart for chart in view.decode(view.tag(["temp"])[1])["compareRunCharts"] if chart["type"] == "IMAGE"]
    assert (card["imageKeys"], card["showRunParams"]) == (["attention/all_heads"], False)


def test_a_hundred_targets_still_fit_into_a_tag() -> None:
    _, value = view.tag(
        [f"column number {number}" for number in range(101)], rivals=["linear", "persistence"], horizon=47
    )
    assert len(value) <= 20_000
    assert json.loads(value)["name"].startswith("Headway: ")


@pytest.mark.parametrize("value", ["", "{}", '{"state": "deflate;AAAA"}', '{"state": 1}'])
def test_what_is_no_view_is_told_so(value: str) -> None:
    with pytest.raises(ValueError, match="no saved view"):
        view.decode(value)
