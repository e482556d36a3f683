"""Tasks with forecasters of random weights, judged and explained, and what stands on a page."""

import functools
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from headway import tracking
from headway.config.train import TrainConfig
from headway.data import sources
from headway.explanation import Explanation, explain
from headway.fitting import untrained
from headway.judgement import Judgement, judge_forecaster
from headway.models.transformer import Transformer
from headway.record import record_report, record_start
from headway.report.page import Facts, Picture, Section, Table, Text, Verdict
from headway.task import prepare
from headway.tracking import Run
from headway.training.precision import device

WORDS = (
    *("dataset=csv", "dataset.timestamp=time", "dataset.season=5", "dataset.calendar.week=0", "dataset.max_gap=3"),
    *("windows.context_length=5", "windows.horizon=2", "evaluation.rivals=[persistence,drift]"),
    *("evaluation.bootstrap=53", "evaluation.explain_windows=97", "tracking=off"),
    *("model.d_model=4", "model.heads=2", "model.feed_forward=3"),
)
COMMAND = ("python", "train.py", "dataset.path=a b.csv")


class Subject:
    """A network of random weights and what it is judged on."""

    def __init__(self, config: TrainConfig, root: Path) -> None:
        self.config, self.root = config, root
        dataset = sources.read(config.dataset)
        self.task = prepare(dataset, dataset_spec=config.dataset, splits=config.splits, windows=config.windows)
        network = Transformer(config.model, self.task.shape)
        generator = np.random.default_rng(2)
        for variable in network.weights:
            variable.assign(generator.normal(scale=0.5, size=variable.shape))
        self.forecaster = untrained(network, self.task)

    @functools.cached_property
    def judgement(self) -> Judgement:
        return judge_forecaster(self.forecaster, self.task, self.config.evaluation, seed=0, cache=None)

    @functools.cached_property
    def explanation(self) -> Explanation:
        readout, windows = self.config.model.readout, self.config.evaluation.explain_windows
        return explain(self.forecaster, self.task, "test", windows=windows, readout=readout, draws=53, seed=0)

    def page(
        self,
        *,
        judgement: Judgement | None = None,
        explanation: Explanation | None = None,
        headline: str = "A headline",
        name: str = "made",
        journal: Callable[[Run], None] = lambda run: epochs(run, 3, best=2),
        command: tuple[str, ...] = COMMAND,
    ) -> tuple[Run, str]:
        """The run of a journal, and its page."""
        with tracking.start(self.config.tracking, name=name, comparable="x", root=self.root) as run:
            kept = record_start(
                run, self.config, self.task, on=device(), precision="float32", determinism="seeded", command=command
            )
            journal(run)
            record_report(run, kept, self.task, headline=headline, judgement=judgement, explanation=explanation)
        return run, (run.folder / "report.html").read_text(encoding="utf-8")


def epochs(run: Run, count: int, *, best: int) -> None:
    """The journal of a training."""
    for epoch in range(1, count + 1):
        run.log_metrics({"train/loss": 1 / epoch, "validation/loss": 2 / epoch}, step=epoch)
    run.log_metrics({"validation/best_error": 0.5, "train/seconds": 17.0, "weights": 1234.0}, step=best)


def frame_of(
    *,
    names: tuple[str, ...] = ("north", "south", "west"),
    columns: tuple[str, ...] = ("y", "x"),
    rows: int = 211,
    step: str = "h",
) -> pd.DataFrame:
    """Rows a series of standard normal columns."""
    generator, parts = np.random.default_rng(1), []
    times = pd.date_range("2024-01-01", periods=rows, freq=step).strftime("%Y-%m-%dT%H:%M:%S")
    for name in names:
        values = generator.normal(size=(rows, len(columns))).round(3)
        parts.append(pd.DataFrame({"time": times, "place": name, **dict(zip(columns, values.T, strict=True))}))
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="session")
def frame() -> Callable[..., pd.DataFrame]:
    """Makes a frame of noise: frame(names=("north",), columns=("y", "x"), rows=211, step="h")."""
    return frame_of


@pytest.fixture(scope="session")
def subject(compose: Callable[..., TrainConfig], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Subject]:
    """Makes a subject of a frame and overrides."""

    def make(frame: pd.DataFrame, *overrides: str) -> Subject:
        folder = tmp_path_factory.mktemp("data")
        frame.to_csv(folder / "data.csv", index=False)
        words = (f"dataset.path={folder / 'data.csv'}", "dataset.series=place", "dataset.targets=[y]")
        return Subject(compose(*WORDS, *words, *overrides), folder / "runs")

    return make


@pytest.fixture(scope="session")
def plain(subject: Callable[..., Subject]) -> Subject:
    """Three series on an hourly clock: a gap of two hours in the first, of seven in the second, three blanks in the third."""
    frame = frame_of()
    frame.loc[frame.index[frame.place == "west"][11:14], "x"] = np.nan
    first, second = (frame.index[frame.place == name] for name in ("north", "south"))
    return subject(frame.drop(index=[*first[31:33], *second[41:48]]))


class Opened:
    """What a section holds, by kind."""

    def __init__(self, section: Section) -> None:
        blocks = section.blocks
        self.tables = {block.caption: block for block in blocks if isinstance(block, Table)}
        self.facts = {
            name: words for block in blocks if isinstance(block, Facts) for name, words in block.facts.items()
        }
        self.texts = [block.text for block in blocks if isinstance(block, Text)]
        self.verdicts = [block for block in blocks if isinstance(block, Verdict)]
        self.pictures = [block for block in blocks if isinstance(block, Picture)]

    def cell(self, caption: str, row: str, column: str) -> str:
        """A cell of a table by the names of its row and column."""
        table = self.tables[caption]
        (found,) = [cells for cells in table.rows if cells[0] == row]
        return found[list(table.header).index(column)]

    def column(self, caption: str, name: str) -> list[str]:
        """All cells of a column, from the top."""
        table = self.tables[caption]
        return [row[list(table.header).index(name)] for row in table.rows]


@pytest.fixture(scope="session")
def opened() -> type[Opened]:
    """Opens a section: opened(section).tables."""
    return Opened


class Page(HTMLParser):
    """The words of a page, and the names of its elements.

    Args:
        html: The page.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.elements.append(tag)

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.words.append(data.strip())

    @property
    def text(self) -> str:
        return "\n".join(self.words)


@pytest.fixture(scope="session")
def read_page() -> type[Page]:
    """Reads a page: read_page(html).text."""
    return Page
