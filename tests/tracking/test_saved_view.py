"""The saved view as a tag."""

import hashlib
import json
from urllib.parse import parse_qs, urlsplit

import pytest

from headway.tracking import view


def test_a_view_is_the_same_text_every_time_so_that_it_is_written_once() -> None:
    assert view.tag(["temp"], rivals=["linear"], horizon=5) == view.tag(["temp"], rivals=["linear"], horizon=5)


def test_sweeps_are_expanded_and_their_order_makes_no_other_text() -> None:
    ids = ["c" * 32, "a" * 32, "b" * 32]
    assert view.decode(view.tag(["temp"], expanded=ids)[1])["runsExpanded"] == dict.fromkeys(ids, True)
    assert view.tag(["temp"], expanded=ids) == view.tag(["temp"], expanded=ids[::-1])


def test_a_comparison_is_linked_as_the_page_reads_it_and_stops_at_a_hundred_runs() -> None:
    ids = [f"{number:032x}" for number in range(101)]
    address = view.compare_link("http://127.0.0.1:5000", "7", ids)
    assert address.isascii()
    assert not set(address) & set('[]" ,')
    page = urlsplit(urlsplit(address).fragment)
    query = parse_qs(page.query, strict_parsing=True)
    assert (urlsplit(address).netloc, page.path) == ("127.0.0.1:5000", "/compare-runs")
    assert (json.loads(query["runs"][0]), json.loads(query["experiments"][0])) == (ids[:100], ["7"])
    assert query["workflowType"] == ["machine_learning"]


def test_every_chart_lies_in_a_section_that_exists() -> None:
    state = view.decode(view.tag(["temp", "dewp"], rivals=["linear"], horizon=3)[1])
    sections = {section["uuid"] for section in state["compareRunSections"]}
    assert {chart["metricSectionId"] for chart in state["compareRunCharts"]} <= sections
    assert len({chart["uuid"] for chart in state["compareRunCharts"]}) == len(state["compareRunCharts"])


def test_the_attention_card_shows_no_parameters() -> None:
    (card,) = [chart for chart in view.decode(view.tag(["temp"])[1])["compareRunCharts"] if chart["type"] == "IMAGE"]
    assert (card["imageKeys"], card["showRunParams"]) == (["attention/all_heads"], False)


def test_entropies_of_as_many_layers_as_were_logged_are_one_chart() -> None:
    def lines(layers: int) -> list[list[str]]:
        charts = view.decode(view.tag(["temp"], layers=layers)[1])["compareRunCharts"]
        return [chart["selectedMetricKeys"] for chart in charts if "attention/entropy_l1" in str(chart)]

    assert lines(0) == []
    assert lines(3) == [["attention/entropy_l1", "attention/entropy_l2", "attention/entropy_l3"]]


def test_a_hundred_targets_still_fit_into_a_tag() -> None:
    _, value = view.tag(
        [f"column number {number}" for number in range(101)],
        rivals=["linear", "persistence"],
        horizon=47,
        expanded=[hashlib.md5(str(number).encode()).hexdigest() for number in range(20)],
    )
    assert len(value) <= 20_000
    assert json.loads(value)["name"].startswith("Headway: ")


@pytest.mark.parametrize("value", ["", "{}", '{"state": "deflate;AAAA"}', '{"state": 1}'])
def test_what_is_no_view_is_told_so(value: str) -> None:
    with pytest.raises(ValueError, match="no saved view"):
        view.decode(value)
