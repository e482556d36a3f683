"""The report page: one file that is sound, safe, readable and the same every time."""

import base64
import re
from functools import cache
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import pytest
from matplotlib.figure import Figure

from headway.report import style
from headway.report.page import (
    Command,
    Facts,
    Heading,
    Items,
    Page,
    Picture,
    Pictures,
    Section,
    Table,
    Text,
    Verdict,
    render,
)
from headway.report.svg import svg

EVIL = "<script>alert('x')</script> & \"quoted\""
VOID = {"meta", "link", "img", "br", "hr"}


def figure() -> Figure:
    drawn = style.figure(5.0, 3.0)
    axes = drawn.add_subplot()
    axes.plot([1, 2, 3], color=style.MODEL)
    style.frame(axes, xlabel="lag")
    return drawn


def picture(**changes: Any) -> Picture:
    return Picture(**{"figure": figure(), "alt": "a rising line", "caption": "Rising."} | changes)


def table(**changes: Any) -> Table:
    rows = [("model", "1.5", "2.5"), ("persistence", "1.7", "2.9")]
    values: dict[str, Any] = {"caption": "Scores", "header": ("name", "MAE", "RMSE"), "rows": rows}
    return Table(**values | changes)


def page(*blocks: Any, **changes: Any) -> Page:
    every = (
        Heading("Inside"),
        Text("One.\n\nTwo."),
        Items(["first", "second"]),
        Facts({"clock": "1 h"}),
        table(note="A note.", numeric=(1, 2), emphasised=(0,)),
        picture(),
        Pictures([picture(alt="left"), picture(alt="right", caption="")]),
        Verdict("negative", "loses", "by 3 %"),
        Command("python train.py", "Again"),
    )
    sections = [Section("skill", "Skill", "It is good.", blocks or every), Section("data", "Data", "", [Text("Rows.")])]
    values: dict[str, Any] = {
        "title": "Report",
        "headline": "The model beats persistence.",
        "sections": sections,
        "badges": [Verdict("positive", "beats all")],
        "facts": {"data": "weather"},
        "footer": "Written once.",
    }
    return Page(**values | changes)


class Reader(HTMLParser):
    """Elements in order with their attributes and texts; unclosed or crossed ones are an error."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str], list[str]]] = []
        self.open: list[int] = []
        self.feed(document)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs), f"an attribute twice: {attrs}"
        self.elements.append((tag, {name: value or "" for name, value in attrs}, []))
        if tag not in VOID:
            self.open.append(len(self.elements) - 1)

    def handle_endtag(self, tag: str) -> None:
        assert self.elements[self.open.pop()][0] == tag

    def handle_data(self, data: str) -> None:
        for place in self.open:
            self.elements[place][2].append(data)

    def all(self, *tags: str) -> list[tuple[dict[str, str], str]]:
        return [(attributes, "".join(texts).strip()) for tag, attributes, texts in self.elements if tag in tags]


@cache
def document() -> str:
    """A page with every kind of block."""
    return render(page())


def read(*blocks: Any, **changes: Any) -> Reader:
    return Reader(render(page(*blocks, **changes)) if blocks or changes else document())


def test_the_same_page_gives_the_same_bytes() -> None:
    assert render(page()) == document()


def test_it_opens_as_an_html_document_with_its_language_title_and_landmarks() -> None:
    assert document().startswith("<!DOCTYPE html>")
    reader = read()
    assert reader.all("html")[0][0]["lang"] == "en"
    assert reader.all("title") == [({}, "Report")]
    for landmark in ("header", "nav", "main", "footer"):
        assert len(reader.all(landmark)) == 1
    assert reader.all("nav")[0][0]["aria-label"] == "Contents"


def test_what_is_empty_leaves_no_element_behind() -> None:
    reader = read(Text("Only this."), badges=(), facts={}, footer="")
    assert not reader.all("footer", "dl", "ul", "h3", "figure")
    assert [text for attributes, text in reader.all("p") if attributes.get("class") == "lead"] == ["It is good."]


def test_nothing_is_loaded_and_nothing_runs() -> None:
    reader = read()
    addresses = [
        value
        for _, attributes, _ in reader.elements
        for name, value in attributes.items()
        if name in ("src", "href", "srcset", "action", "data", "poster")
    ]
    assert {value.split(":")[0] if value[0] != "#" else "#" for value in addresses} == {"#", "data"}
    assert not reader.all("script", "iframe", "object", "base")
    assert not any(name.startswith("on") for _, attributes, _ in reader.elements for name in attributes)
    assert not re.search(r"@import|url\(|https?://", document())
    (policy,) = [one["content"] for one, _ in reader.all("meta") if "http-equiv" in one]
    assert policy == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def test_headings_skip_no_level_and_there_is_one_of_the_first() -> None:
    levels = [int(tag[1]) for tag, _, _ in read().elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(below <= above + 1 for above, below in pairwise(levels))


def test_ids_are_unique_and_every_link_inside_the_page_has_its_target() -> None:
    reader = read()
    ids = [attributes["id"] for _, attributes, _ in reader.elements if "id" in attributes]
    assert len(set(ids)) == len(ids)
    targets = [attributes["href"] for attributes, _ in reader.all("a")]
    assert targets == ["#main", "#skill", "#data"]
    assert {target[1:] for target in targets} <= set(ids)


def test_the_contents_name_the_sections_in_order() -> None:
    assert [text for attributes, text in read().all("a")][1:] == ["Skill", "Data"]


def test_every_picture_has_its_alternative_text_size_and_drawing() -> None:
    one = figure()
    reader = read(picture(figure=one), Pictures([picture(alt="left"), picture(alt="right", caption="")]))
    images = [attributes for attributes, _ in reader.all("img")]
    assert [image["alt"] for image in images] == ["a rising line", "left", "right"]
    assert {(image["width"], image["height"]) for image in images} == {("480", "288")}
    kind, data = images[0]["src"].split(",")
    assert kind == "data:image/svg+xml;base64"
    assert base64.b64decode(data).decode() == svg(one)


def test_a_table_names_its_columns_and_its_rows() -> None:
    reader = read(table(numeric=[2], emphasised=[1]))
    heads = [(attributes.get("scope"), text) for attributes, text in reader.all("th")]
    columns = [("col", "name"), ("col", "MAE"), ("col", "RMSE")]
    assert heads == [*columns, ("row", "model"), ("row", "persistence")]
    assert [text for _, text in reader.all("td")] == ["1.5", "2.5", "1.7", "2.9"]
    assert [text for attributes, text in reader.all("th", "td") if "number" in attributes.get("class", "")] == [
        "RMSE",
        "2.5",
        "2.9",
    ]
    assert [attributes.get("class") for attributes, _ in reader.all("tr")] == [None, None, "emphasised"]


def test_what_scrolls_can_be_reached_by_keyboard_and_has_a_name() -> None:
    scrolling = [one for _, one, _ in read().elements if "scroll" in one.get("class", "").split()]
    assert len(scrolling) == 5  # a table, three pictures, a command
    assert all(one["tabindex"] == "0" and one["role"] == "group" and one["aria-label"] for one in scrolling)


def test_a_verdict_says_its_tone_without_colour() -> None:
    signs = set()
    for tone in ("positive", "negative", "neutral"):
        (verdict,) = [
            (one, text)
            for one, text in read(Verdict(tone, "word", "why")).all("p")
            if "verdict" in one.get("class", "")
        ]
        assert verdict[0]["class"] == f"verdict {tone}"
        sign, rest = verdict[1].split(" ", 1)
        signs.add(sign)
        assert rest == "word why"
    assert len(signs) == 3


def test_paragraphs_are_separated_by_empty_lines() -> None:
    assert Text(" One\nstill one.\n\n \n\nTwo.\n").paragraphs == ["One\nstill one.", "Two."]


def test_markup_in_any_text_is_shown_as_it_is() -> None:
    blocks = (
        Heading(EVIL),
        Text(EVIL),
        Items([EVIL]),
        Facts({EVIL: EVIL}),
        table(caption=EVIL, header=(EVIL, EVIL), rows=[(EVIL, EVIL)], note=EVIL),
        picture(alt=EVIL, caption=EVIL),
        Verdict("neutral", EVIL, EVIL),
        Command(EVIL, EVIL),
    )
    section = Section("skill", EVIL, EVIL, blocks)
    badges = [Verdict("positive", EVIL, EVIL)]
    shown = render(Page(EVIL, EVIL, [section], badges, {EVIL: EVIL}, EVIL))
    reader = Reader(shown)
    assert not reader.all("script")
    assert "<script" not in shown
    # title, h1, headline, badge 2, summary 2, contents, h2, lead, footer; then the blocks, in order.
    assert "".join(reader.elements[0][2]).count(EVIL) == 11 + (1 + 1 + 1 + 2) + (1 + 4 + 1) + 1 + 2 + 2
    assert reader.all("img")[0][0]["alt"] == EVIL


def test_a_name_that_looks_like_a_template_is_not_run() -> None:
    assert "{{ 6 * 7 }}" in render(page(Text("{{ 6 * 7 }}")))


def test_fifty_pictures_stay_below_five_megabytes() -> None:
    few = len(render(page(picture())).encode())
    more = len(render(page(*[picture() for _ in range(4)])).encode())
    assert few + 50 * (more - few) / 3 < 5_000_000


@pytest.mark.parametrize("changes", [{"rows": [("a", "b")]}, {"numeric": [3]}, {"numeric": [-1]}, {"emphasised": [2]}])
def test_a_table_whose_parts_do_not_fit_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="Scores"):
        table(**changes)


@pytest.mark.parametrize("name", ["", "Skill", "1st", "a b", "main", "contents", 'x"y'])
def test_an_id_that_no_address_can_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="id must be"):
        Section(name, "Skill", "", [])


def test_a_picture_without_words_a_tone_without_a_sign_and_an_id_twice_are_refused() -> None:
    with pytest.raises(ValueError, match="alt"):
        picture(alt=" ")
    with pytest.raises(ValueError, match="tone"):
        Verdict("great", "wins")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="ids of their own"):
        page(sections=[Section("a", "A", "", []), Section("a", "B", "", [])])
