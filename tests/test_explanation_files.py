"""What an explanation leaves in a folder: the numbers it holds, whatever its sizes."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from headway.attention.agreement import Verdict
from headway.data.clock import Clock
from headway.explanation import Explanation, Group
from headway.explanation_files import lag_names, pictures, words, write

HOUR = Clock.parse("1h")
NAMES = ("temp", "wind, gusts", "pressure", "$x^2$")


def explanation(steps: int = 7, *, heads: int = 3, layers: int = 2, deleted: int = 5) -> Explanation:
    """One of made-up numbers."""
    generator = np.random.default_rng(1)

    def rises(*shape: int) -> np.ndarray:
        return np.sort(generator.normal(0.2, 0.3, size=(*shape, 3)), axis=-1)[..., [1, 0, 2]]

    def weights(*shape: int) -> np.ndarray:
        return generator.dirichlet(np.ones(steps), size=shape).astype("float32")

    def group(*labels: str) -> Group:
        received = generator.dirichlet(np.ones(steps), size=len(labels))
        return Group(labels, received, np.arange(11, 11 + len(labels)), weights(len(labels), layers, heads, steps))

    return Explanation(
        windows=1201,
        split="test",
        mean=weights(layers, heads, steps),
        spread=weights(layers, heads, steps) / 7,
        attention=generator.dirichlet(np.ones(steps)),
        rollout=generator.dirichlet(np.ones(steps)),
        entropy=generator.random((layers, heads)),
        distance=3 * generator.random((layers, heads)),
        redundancy=np.eye(layers * heads) * 0.5 + 0.5,
        by={"hour of day": group("00", "06", "12"), "error": group("best tenth", "worst tenth")},
        features={**dict(zip(NAMES, rises(4), strict=True)), "calendar": rises()},
        lags=rises(steps),
        cells=rises(4, steps),
        feature_names=NAMES,
        steps=np.arange(deleted),
        curves=rises(2, 3, deleted),
        verdict=Verdict(0.9, 2.5, 0.4, 1e-5, {"training mean": (0.1, 0.05, 0.2), "another window": (0.3, 0.1, 0.5)}),
        rollout_rho=0.25,
    )


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def numbers(row: dict[str, str]) -> list[float]:
    return [float(row[name]) for name in ("rise", "low", "high")]


def test_every_importance_is_in_the_table_under_its_name(tmp_path: Path) -> None:
    found = explanation()
    write(found, tmp_path, HOUR)
    rows = {(row["what"], row["name"]): numbers(row) for row in rows_of(tmp_path / "importance.csv")}
    assert len(rows) == 5 + 7 + 4 * 7
    for name, rise in found.features.items():
        assert rows["feature", name] == rise.tolist()
    lags = ["-6 h", "-5 h", "-4 h", "-3 h", "-2 h", "-1 h", "0"]
    assert found.cells is not None
    for step, lag in enumerate(lags):
        assert rows["lag", lag] == found.lags[step].tolist()
        assert rows["feature at lag", f"pressure {lag}"] == found.cells[2, step].tolist()


def test_every_point_of_the_deletion_curves_is_in_the_table(tmp_path: Path) -> None:
    found = explanation()
    write(found, tmp_path, HOUR)
    rows = rows_of(tmp_path / "deletion.csv")
    assert len(rows) == 2 * 3 * 5
    places = {"training mean": 0, "another window": 1}
    orders = {"most attended first": 0, "random": 1, "least attended first": 2}
    for row in rows:
        place = places[row["replacement"]], orders[row["order"]], int(row["steps"])
        assert numbers(row) == found.curves[place].tolist()


def test_maps_are_read_back_without_pickle(tmp_path: Path) -> None:
    found = explanation()
    write(found, tmp_path, HOUR)
    with np.load(tmp_path / "attention_maps.npz", allow_pickle=False) as stored:
        arrays = dict(stored)
    whole = ("mean", "spread", "attention", "rollout", "entropy", "distance", "redundancy")
    for name in whole:
        np.testing.assert_array_equal(arrays.pop(name), getattr(found, name))
    for name, group in found.by.items():
        np.testing.assert_array_equal(arrays.pop(f"by/{name}/maps"), group.maps)
        assert arrays.pop(f"by/{name}/counts").tolist() == group.counts.tolist()
        assert arrays.pop(f"by/{name}/labels").tolist() == list(group.labels)
    assert not arrays


def test_the_words_hold_the_verdict_and_every_table() -> None:
    found = explanation()
    text = words(found, HOUR)
    verdict, features, lags, heads, note = text.split("\n\n")
    assert verdict == found.verdict.words
    order = sorted(found.features, key=lambda name: -found.features[name][0])
    assert [next(name for name in order if line.startswith(name)) for line in features.splitlines()[2:]] == order
    rise, low, high = 100 * found.features["temp"]
    row = next(line for line in features.splitlines() if line.startswith("temp"))
    assert row.split() == [
        "temp",
        f"{rise:+.1f}",
        "%",
        f"{low:+.1f}",
        "to",
        f"{high:+.1f}",
        f"{found.feature_rhos['temp']:.2f}",
    ]
    oldest = lags.splitlines()[2]
    assert oldest.startswith("-6 h")
    assert oldest.split()[-2:] == [f"{7 * found.attention[0]:.2f}", f"{7 * found.rollout[0]:.2f}"]
    expected = ["L2", "H1", f"{found.entropy[1, 0]:.3f}", f"{found.distance[1, 0]:.2f}"]
    assert heads.splitlines()[5].split() == expected and len(heads.splitlines()) == 2 + 6
    assert note.startswith("1,201 windows of the test split") and "importance: 0.25." in note


def test_lags_have_the_real_time_of_the_clock() -> None:
    found = explanation(5)
    assert lag_names(found, Clock.parse("1h")) == ["-4 h", "-3 h", "-2 h", "-1 h", "0"]
    assert lag_names(found, Clock.parse("15min")) == ["-60 min", "-45 min", "-30 min", "-15 min", "0"]
    assert lag_names(explanation(1), HOUR) == ["0"]


def without_intervals() -> Explanation:
    found = explanation()
    unknown = np.array([1, np.nan, np.nan])
    return replace(
        found,
        features={name: rise * unknown for name, rise in found.features.items()},
        lags=found.lags * unknown,
        cells=None,
        curves=found.curves * unknown,
        by={},
        rollout_rho=np.nan,
    )


KINDS = {
    "whole": explanation(),
    "one step, one head": explanation(1, heads=1, layers=1, deleted=2),
    "two steps": explanation(2, heads=1, deleted=3),
    "many steps": explanation(97, heads=5, layers=1, deleted=9),
    "no intervals, cells and groups": without_intervals(),
}
DRAWN = {"importance.png", "deletion.png", "heads.png"}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_named_is_written_and_nothing_else(tmp_path: Path, kind: str) -> None:
    found = KINDS[kind]
    names = write(found, tmp_path, HOUR)
    assert len(names) == len(set(names))
    assert set(names) == {path.name for path in tmp_path.iterdir()}
    tables = {"explanation.txt", "importance.csv", "deletion.csv", "attention_maps.npz"}
    assert set(names) == tables | DRAWN | ({"attention_groups.png"} if found.by else set())
    for name in names:
        content = (tmp_path / name).read_bytes()
        assert content.startswith(b"\x89PNG") if name.endswith(".png") else content


def test_what_is_not_known_is_left_open_and_not_called_nan() -> None:
    found = without_intervals()
    text = words(found, HOUR)
    row = next(line for line in text.splitlines() if line.startswith("temp"))
    assert row.split() == ["temp", f"{100 * found.features['temp'][0]:+.1f}", "%"]
    assert "nan" not in text and "importance: none." in text
    assert "feature at lag" not in text


def test_pictures_are_titled_by_what_they_are_of() -> None:
    drawn = pictures(explanation(), HOUR)
    assert set(drawn) == DRAWN | {"attention_groups.png"}
    for figure in drawn.values():
        texts = [text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text"))]
        assert any("over 1,201 test windows" in text for text in texts)
    for name in ("importance.png", "deletion.png"):
        texts = [text.get_text() for text in drawn[name].findobj(lambda artist: hasattr(artist, "get_text"))]
        assert any("attention ranks the lags as permutation does: rho 0.90" in text for text in texts)


def test_the_deletion_picture_holds_every_orders_curve() -> None:
    found = explanation()
    panels = [axes for axes in pictures(found, HOUR)["deletion.png"].axes if axes.lines]
    assert len(panels) == 2
    for replacement, axes in enumerate(panels):
        drawn = [np.asarray(line.get_ydata(), float) for line in axes.lines]
        for curve in found.curves[replacement, :, :, 0]:
            assert any(len(line) == len(curve) and np.allclose(line, curve) for line in drawn)


def test_the_same_explanation_gives_the_same_files(tmp_path: Path) -> None:
    contents = []
    for folder in (tmp_path / "first", tmp_path / "second"):
        folder.mkdir()
        contents.append({name: (folder / name).read_bytes() for name in write(explanation(), folder, HOUR)})
    del contents[0]["attention_maps.npz"], contents[1]["attention_maps.npz"]  # zip holds the time of writing
    assert contents[0] == contents[1]
