"""The report of a run as one HTML file that needs nothing else: no script, no network, no second file.

A page is sections, a section is blocks; a block says what it is, and how it looks is the
template's matter. Every text is plain text: whatever looks like markup in it is shown as it is.
"""

import base64
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import ClassVar, Literal

from jinja2 import Environment, PackageLoader, StrictUndefined
from matplotlib.figure import Figure

from headway.report.svg import svg

Tone = Literal["positive", "negative", "neutral"]

_PIXELS = 96  # CSS pixels in an inch
_SLUG = re.compile(r"[a-z][a-z0-9-]*")
_TAKEN = ("main", "contents")  # ids of the page itself
_SIGNS: Mapping[Tone, str] = {"positive": "✓", "negative": "✗", "neutral": "○"}


@dataclass(frozen=True)
class Heading:
    """A title inside a section, over the blocks that follow."""

    kind: ClassVar[str] = "heading"
    title: str


@dataclass(frozen=True)
class Text:
    """Paragraphs, with an empty line between two of them."""

    kind: ClassVar[str] = "text"
    text: str

    @property
    def paragraphs(self) -> list[str]:
        """The paragraphs one by one."""
        return [part.strip() for part in re.split(r"\n\s*\n", self.text) if part.strip()]


@dataclass(frozen=True)
class Items:
    """A list of sentences."""

    kind: ClassVar[str] = "items"
    items: Sequence[str]


@dataclass(frozen=True)
class Facts:
    """Names and what they stand for, one pair a line."""

    kind: ClassVar[str] = "facts"
    facts: Mapping[str, str]


@dataclass(frozen=True)
class Table:
    """A table of texts that are already formatted; the first column names the rows.

    Attributes:
        caption: What it shows.
        header: Name of every column.
        rows: Cells of every row.
        note: Below the table; may be empty.
        numeric: Places of columns that are set flush right.
        emphasised: Places of rows that stand out, such as that of the model.

    Raises:
        ValueError: A row is not as long as the header, or a place does not exist.
    """

    kind: ClassVar[str] = "table"
    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""
    numeric: Collection[int] = ()
    emphasised: Collection[int] = ()

    def __post_init__(self) -> None:
        for place, row in enumerate(self.rows):
            if len(row) != len(self.header):
                raise ValueError(f"row {place} of {self.caption!r} must have {len(self.header)} cells: got {len(row)}")
        for name, places, count in (
            ("numeric", self.numeric, len(self.header)),
            ("emphasised", self.emphasised, len(self.rows)),
        ):
            outside = [place for place in places if not 0 <= place < count]
            if outside:
                raise ValueError(f"{name} of {self.caption!r} must be places from 0 to {count - 1}: got {outside}")


@dataclass(frozen=True)
class Picture:
    """A figure.

    Attributes:
        figure: Any figure of this package.
        alt: What it shows, for who does not see it.
        caption: Below it; how to read it.

    Raises:
        ValueError: The alternative text is empty.
    """

    kind: ClassVar[str] = "picture"
    figure: Figure
    alt: str
    caption: str

    def __post_init__(self) -> None:
        if not self.alt.strip():
            raise ValueError("alt must say what the picture shows: got nothing")

    @cached_property
    def source(self) -> str:
        """The picture itself as an address; drawn when it is first asked for."""
        return "data:image/svg+xml;base64," + base64.b64encode(svg(self.figure).encode()).decode()

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in CSS pixels."""
        width, height = self.figure.get_size_inches() * _PIXELS
        return round(width), round(height)


@dataclass(frozen=True)
class Pictures:
    """Pictures that belong together: two in a row where there is room."""

    kind: ClassVar[str] = "pictures"
    pictures: Sequence[Picture]


@dataclass(frozen=True)
class Verdict:
    """A finding: a word that says which way it went, and a sentence that says why.

    Attributes:
        tone: Which way it went.
        word: Such as 'beats'; a sign stands before it.
        text: The sentence; may be empty.

    Raises:
        ValueError: There is no such tone.
    """

    kind: ClassVar[str] = "verdict"
    tone: Tone
    word: str
    text: str = ""

    def __post_init__(self) -> None:
        if self.tone not in _SIGNS:
            raise ValueError(f"tone must be one of {', '.join(_SIGNS)}: got {self.tone!r}")

    @property
    def sign(self) -> str:
        """What tells the tone without colour."""
        return _SIGNS[self.tone]


@dataclass(frozen=True)
class Command:
    """What to type, and what it does."""

    kind: ClassVar[str] = "command"
    command: str
    caption: str = ""


Block = Heading | Text | Items | Facts | Table | Picture | Pictures | Verdict | Command


@dataclass(frozen=True)
class Section:
    """A part of the page that the table of contents names.

    Attributes:
        id: Of its address, such as 'skill' for '#skill'.
        title: Its heading.
        lead: What it finds, in one sentence; may be empty.
        blocks: What it holds.

    Raises:
        ValueError: The id is no word of small letters, digits and hyphens, or the page uses it itself.
    """

    id: str
    title: str
    lead: str
    blocks: Sequence[Block]

    def __post_init__(self) -> None:
        if not _SLUG.fullmatch(self.id) or self.id in _TAKEN:
            raise ValueError(
                f"id must be small letters, digits and hyphens, begin with a letter, "
                f"and be none of {', '.join(_TAKEN)}: got {self.id!r}"
            )


@dataclass(frozen=True)
class Page:
    """A report.

    Attributes:
        title: Of the page and of the browser's tab.
        headline: What was found, in one sentence.
        badges: Findings in a word or two each.
        facts: What stands at the top; few words each.
        sections: The parts, in order.
        footer: The last line.

    Raises:
        ValueError: Two sections have one id.
    """

    title: str
    headline: str
    sections: Sequence[Section]
    badges: Sequence[Verdict] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    footer: str = ""

    def __post_init__(self) -> None:
        ids = [section.id for section in self.sections]
        if len(set(ids)) < len(ids):
            raise ValueError(f"sections must have ids of their own: got {ids}")


def render(page: Page) -> str:
    """Return the page as an HTML document; the same page gives the same document."""
    return _templates().get_template("page.html").render(page=page)


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("headway.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
