"""What a forecaster's attention says, and whether to believe it: maps, importance, the deletion test, a verdict."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product

import numpy as np
from numpy.typing import NDArray

from headway import backend
from headway.attention import groups, heads, importance, maps
from headway.attention.agreement import Verdict, chance, contrast, lift, rank_agreement
from headway.attention.deletion import ORDERS, REPLACEMENTS, Deletion, delete
from headway.attention.rollout import rollout
from headway.data import batches
from headway.forecaster import Forecaster
from headway.measured_windows import MeasuredWindows
from headway.models import ensemble
from headway.models.ensemble import members_of
from headway.task import Task

log = logging.getLogger(__name__)

Array = NDArray[np.float64]

REPEATS = 2
"""Permutations behind the importance of a feature or lag; a cell of both has one."""

_MOST_BLOCKS = 48  # of lags that are permuted; those of a longer context go together, two or more
_CELL_WINDOWS = 2000  # behind the importance of a feature at a lag, of which there are many
_PAIRED_WINDOWS = 500  # behind the likeness of heads, which takes time for every pair
_FEWEST = 100  # windows, however long they are, as long as their scores fit
_MOST_CELLS = 100  # feature by lag; beyond them a table is no help, and time
_MOST_SCORES = 64_000_000  # attention scores held at once, 256 MB
_MOST_STEPS = 4_000_000  # window steps that pass through the network in all; long contexts get fewer windows
_BLIND, _BLIND_WINDOWS = 12, 128  # untrained networks, and windows they are shown
_SEED_STEP = 0x9E3779B1  # between their seeds; odd, so that all differ
_PURPOSE = 1 << 40  # beyond all epochs, whose numbers key the order of training windows
_SEASONS = ("Dec to Feb", "Mar to May", "Jun to Aug", "Sep to Nov")


@dataclass(frozen=True)
class Group:
    """What each lag receives in each group of windows.

    Attributes:
        labels: Names [G].
        received: Weight per lag [G, S]; NaN where a group holds no window.
        counts: Windows per group [G].
        maps: Mean map of each group [G, L, N, T, S].
    """

    labels: tuple[str, ...]
    received: Array
    counts: NDArray[np.int64]
    maps: NDArray[np.float32]


@dataclass(frozen=True)
class Explanation:
    """What was found.

    Attributes:
        windows: Number of windows W behind it.
        split: Of which split.
        mean, spread: Attention scores over the windows [L, N, T, S].
        attention: The weight each lag receives as the forecast reads the encoder, mean over layers and heads [S].
        rollout: The same of the rollout across layers [S].
        entropy, distance: Of each head [L, N].
        redundancy: Of each pair of heads [L * N, L * N].
        by: Slicing -> groups.
        features: Feature, calendar or series -> (rise of the error, low, high) when permuted.
        lags: (rise, low, high) of each lag [S, 3]; beyond 48 lags neighbours share theirs.
        cells: (rise, low, high) of each feature at each lag [F, S, 3], or None where there are too many.
        feature_names: Names [F] of the rows of `cells`.
        steps: Deleted steps [K] of the deletion curves.
        curves: (rise, low, high) by replacement, order and deleted steps [R, O, K, 3].
        verdict: Whether attention may be read as importance.
        rollout_rho: Rank agreement of the rollout with importance per lag.
    """

    windows: int
    split: str
    mean: NDArray[np.float32]
    spread: NDArray[np.float32]
    attention: Array
    rollout: Array
    entropy: Array
    distance: Array
    redundancy: Array
    by: Mapping[str, Group]
    features: Mapping[str, Array]
    lags: Array
    cells: Array | None
    feature_names: tuple[str, ...]
    steps: NDArray[np.int64]
    curves: Array
    verdict: Verdict
    rollout_rho: float

    @cached_property
    def feature_rhos(self) -> dict[str, float]:
        """Rank agreement of attention with the importance of each feature's lags; NaN where no lag matters."""
        if self.cells is None:
            return {}
        found = (rank_agreement(self.attention, cell) for cell in self.cells)
        return dict(zip(self.feature_names, found, strict=True))

    def metrics(self) -> dict[str, float]:
        """What is worth comparing between runs, by path; values that are not known are left out."""
        found = {
            "attention/trusted": float(self.verdict.trusted),
            "attention/rho": self.verdict.rho,
            "attention/rho_rollout": self.rollout_rho,
            "attention/contrast": self.verdict.contrast,
        }
        for name, (rise, _, _) in self.verdict.contrasts.items():
            found[f"attention/deletion_{name.replace(' ', '_')}"] = rise
        return {path: float(f"{value:.6g}") for path, value in found.items() if np.isfinite(value)}


def explain(
    forecaster: Forecaster,
    task: Task,
    split: str,
    *,
    windows: int,
    readout: str,
    draws: int,
    seed: int,
) -> Explanation:
    """Look at what a forecaster attends to in the windows of a split, and test whether that matters.

    Args:
        forecaster: A trained forecaster.
        task: Whose windows.
        split: Of the task.
        windows: At most so many, evenly spaced; fewer where contexts are long.
        readout: What the forecast reads of the encoded steps, "all" or "last".
        draws: Of the bootstrap behind every interval; 0 for none.
        seed: Of permutations, orders and bootstrap.
    """
    index = task.windows[split]
    numbers = batches.evenly_spaced(index, min(windows, _affordable(forecaster)))
    seen = MeasuredWindows.of(forecaster, task, split, numbers, draws=draws, seed=seed)
    inputs, measure = seen.inputs, seen.measure
    generator = np.random.Generator(np.random.Philox(key=[seed, _PURPOSE]))
    scores = forecaster.attention_scores(inputs, batch_size=seen.batch_size)
    each = maps.received(scores, readout).mean(axis=(1, 2))  # [W, L, N, T, S] -> [W, S]
    attention = each.mean(axis=0, dtype=np.float64)
    rolled = maps.received(rollout(scores), readout).mean(axis=0, dtype=np.float64)

    parts = _parts(forecaster)
    blocks = _blocks(index.context_length)
    every = np.ones(len(forecaster.features), bool)
    lags = [importance.cells(blocks == block, every) for block in range(blocks[-1] + 1)]
    permuted = importance.permuted_losses(
        measure,
        inputs,
        # Told apart from the lags whatever they are called: a feature may be a "lag 1".
        {f"part {name}": part for name, part in parts.items()} | {f"lag {lag}": part for lag, part in enumerate(lags)},
        repeats=REPEATS,
        generator=generator,
    )
    found = seen.raised(np.stack(list(permuted.values())))
    features, by_lag = dict(zip(parts, found, strict=False)), found[len(parts) :][blocks]
    few = numbers[:: -(-len(numbers) // _CELL_WINDOWS)]
    cells = _cells(MeasuredWindows.of(forecaster, task, split, few, draws=draws, seed=seed), generator)
    deletion = delete(measure, inputs, each, generator=generator)
    coarse, rolled_coarse = (_over(blocks, weights) for weights in (attention, rolled))
    reached = lift(coarse, by_lag)
    verdict = Verdict(
        rho=rank_agreement(coarse, by_lag),
        lift=reached,
        contrast=contrast(coarse, by_lag),
        chance=chance(reached, _blind_lifts(forecaster, inputs, by_lag, readout, seed)),
        contrasts=_contrasts(deletion, seen),
    )
    return Explanation(
        windows=len(numbers),
        split=split,
        mean=maps.mean_map(scores),
        spread=groups.spread(scores),
        attention=attention,
        rollout=rolled,
        entropy=heads.entropy(scores),
        distance=heads.distance(scores),
        redundancy=heads.redundancy(scores[:: -(-len(scores) // _PAIRED_WINDOWS)]),
        by=_groups(task, scores, each, seen),
        features=features,
        lags=by_lag,
        cells=cells,
        feature_names=forecaster.features,
        steps=deletion.steps,
        curves=seen.raised(deletion.losses.reshape(-1, len(numbers))).reshape(*deletion.losses.shape[:-1], 3),
        verdict=verdict,
        rollout_rho=rank_agreement(rolled_coarse, by_lag),
    )


def _affordable(forecaster: Forecaster) -> int:
    shape, spec = forecaster.network.shape, forecaster.network.spec
    steps = shape.context_length
    passes = REPEATS * (shape.num_features + min(steps, _MOST_BLOCKS)) + 6 * min(steps, 9)
    if shape.num_features * steps <= _MOST_CELLS:
        passes += shape.num_features * steps
    held = spec.layers * members_of(forecaster.network) * spec.heads * steps**2
    return max(1, min(max(_FEWEST, _MOST_STEPS // (passes * steps)), _MOST_SCORES // held))


def _blocks(steps: int) -> NDArray[np.int64]:
    """Which block of lags each step belongs to [S]; lags of one block are permuted together, one by one where they are few."""
    return np.arange(steps) * min(steps, _MOST_BLOCKS) // steps


def _over(blocks: NDArray[np.int64], weights: Array) -> Array:
    """Weights [S] as means over blocks, repeated for each step."""
    means: Array = (np.bincount(blocks, weights) / np.bincount(blocks))[blocks]
    return means


def _parts(forecaster: Forecaster) -> dict[str, importance.Part]:
    """What is permuted as a whole: features, calendar, columns known in advance, the series."""
    shape = forecaster.network.shape
    every = np.ones(shape.context_length, bool)
    found = {
        name: importance.cells(every, _only(position, shape.num_features))
        for position, name in enumerate(forecaster.features)
    }
    calendar = 2 * sum(forecaster.cycles.values())
    if calendar:
        found["calendar" if "calendar" not in found else "calendar (time)"] = importance.known_columns(
            np.arange(calendar)
        )
    known = forecaster.known_future_columns
    for position, name in enumerate(known):
        value = calendar + position
        found[name if name not in found else f"{name} (known)"] = importance.known_columns(
            np.array([value, value + len(known)])
        )
    if shape.num_series > 1:
        found["series" if "series" not in found else "series (which)"] = importance.series()
    return found


def _cells(seen: MeasuredWindows, generator: np.random.Generator) -> Array | None:
    shape = seen.forecaster.network.shape
    steps, count = shape.context_length, shape.num_features
    if steps * count > _MOST_CELLS:
        return None
    parts = {
        f"{feature} {lag}": importance.cells(_only(lag, steps), _only(feature, count))
        for feature, lag in product(range(count), range(steps))
    }
    losses = importance.permuted_losses(seen.measure, seen.inputs, parts, repeats=1, generator=generator)
    return seen.raised(np.stack(list(losses.values()))).reshape(count, steps, 3)


def _contrasts(deletion: Deletion, seen: MeasuredWindows) -> dict[str, tuple[float, float, float]]:
    """Replacement -> by how much the area is larger with the most-attended steps first than in random order."""
    most, random = ORDERS.index("most attended first"), ORDERS.index("random")
    found = {}
    for replacement, areas in zip(REPLACEMENTS, deletion.areas, strict=True):
        ((rise, low, high),) = seen.raised(areas[most], over=areas[random])
        found[replacement] = (float(rise), float(low), float(high))
    return found


def _blind_lifts(
    forecaster: Forecaster, inputs: batches.Inputs, importance_by_lag: Array, readout: str, seed: int
) -> Array:
    """Lifts of networks of the same build whose weights are fresh, [_BLIND]."""
    trained = forecaster.network
    few = {name: array[:_BLIND_WINDOWS] for name, array in inputs.items()}
    found = np.empty(_BLIND)
    for number in range(_BLIND):
        # After training nothing draws from Keras's generator any more.
        backend.seed_everything((seed + (number + 1) * _SEED_STEP) % 2**32)
        network = ensemble.make(trained.spec, trained.shape, members=members_of(trained), dtype=trained.dtype_policy)
        fresh = replace(forecaster, network=network)
        scores = fresh.attention_scores(few, batch_size=_BLIND_WINDOWS)
        found[number] = lift(maps.received(scores, readout).mean(axis=(0, 1, 2), dtype=np.float64), importance_by_lag)
    return found


def _groups(
    task: Task,
    scores: NDArray[np.float32],
    each: NDArray[np.float32],
    seen: MeasuredWindows,
) -> dict[str, Group]:
    """Hour of day and season of the origin, series, and error; those that tell windows apart."""
    origins, series = seen.origins, seen.inputs["series"].astype(np.int64)
    codes = {
        "hour of day": (
            tuple(f"{hour:02d}" for hour in range(24)),
            origins.astype("datetime64[h]").astype(np.int64) % 24,
        ),
        "season": (_SEASONS, (origins.astype("datetime64[M]").astype(np.int64) + 1) % 12 // 3),
        "series": (tuple(item.name for item in task.dataset.series), series),
        "error": (("best tenth", "the rest", "worst tenth"), groups.error_tenths(seen.untouched)),
    }
    found = {}
    for name, (labels, code) in codes.items():
        counts = np.bincount(code[code >= 0], minlength=len(labels))
        if (counts > 0).sum() < 2:
            continue
        found[name] = Group(
            labels=labels,
            received=groups.grouped(each, code, len(labels)).astype(np.float64),
            counts=counts,
            maps=groups.grouped(scores, code, len(labels)),
        )
    return found


def _only(position: int, length: int) -> NDArray[np.bool_]:
    return np.arange(length) == position
