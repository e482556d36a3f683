"""The short ways beside attention begin where least squares puts them: their best linear fit of the training rows.

A linear map of many neighbouring steps is slow to learn by small steps, since neighbours are nearly the same, and exact
in closed form; attention is then left what is not linear.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from keras import ops
from numpy.typing import NDArray

from headway.data import batches
from headway.data.series import chunks
from headway.evaluation.rivals import least_squares
from headway.models.paths import LinearPath, OwnLinearPath
from headway.models.transformer import Inputs, Transformer
from headway.task import Task

Array = NDArray[np.float64]

_RIDGE = 1e-6  # of the mean diagonal: decides only between columns that depend on each other
_WINDOWS_AT_ONCE = 1024


def solve(network: Transformer, task: Task) -> None:
    """Give the linear and the calendar path of a network, where it has them, their least-squares weights.

    First the calendar, from training rows; then the linear map, from training windows as the network sees them less
    what the calendar expects.

    Args:
        network: Before it is trained.
        task: Whose training rows and windows.
    """
    if network.calendar_path is not None:
        network.calendar_path.projection.kernel.assign(_calendar(task))
    if isinstance(network.linear_path, OwnLinearPath):
        kernel, bias = _own_past(network, task)
        network.linear_path.projection.kernel.assign(kernel)
        network.linear_path.projection.bias.assign(bias)
    elif network.linear_path is not None:
        common, ahead = _everything(network, network.linear_path, task)
        network.linear_path.kernel.assign(common)
        network.linear_path.ahead.assign(ahead)


def _calendar(task: Task) -> Array:
    """Weights [C, targets] of what is known in advance, beside a mean that the network has other ways to tell."""
    rows, targets = task.rows, task.rows.targets
    grams, moments = [np.zeros(()) for _ in targets], [np.zeros(()) for _ in targets]
    for training in _training_rows(task):
        known = np.column_stack([rows.known(training), np.ones(len(training))]).astype(np.float64)
        values, observed = rows.features(training)
        for place, column in enumerate(targets):
            seen = observed[:, column] > 0
            grams[place] = grams[place] + known[seen].T @ known[seen]
            moments[place] = moments[place] + known[seen].T @ values[seen, column]
    found = [least_squares.solve(gram, moment, ridge=_RIDGE) for gram, moment in zip(grams, moments, strict=True)]
    return np.stack(found, axis=1)[:-1]


def _training_rows(task: Task) -> Iterator[NDArray[np.int64]]:
    """Numbers of the training rows over all series: all at once where they are in memory, else a chunk at a time."""
    spans = [
        (begin + border["train"][0], begin + border["train"][1])
        for border, begin in zip(task.borders, task.dataset.begins, strict=True)
    ]
    if not task.dataset.is_stored:
        yield np.concatenate([np.arange(*span) for span in spans])
        return
    for span in spans:
        for first, after in chunks(*span, columns=task.shape.num_features + task.shape.num_known_future):
            yield np.arange(first, after)


def _own_past(network: Transformer, task: Task) -> tuple[Array, Array]:
    """Kernel [T, H] and bias [H], of windows and targets whose whole horizon was observed."""
    gram, moment = np.zeros(()), np.zeros(())
    for seen in _windows(network, task):
        context = _array(seen.inputs["context"])[..., list(task.shape.targets)].swapaxes(1, 2)  # [B, targets, T]
        whole = seen.observed.all(axis=1)  # [B, targets]
        steps = context[whole]
        design = np.column_stack([steps, np.ones(len(steps))])
        gram = gram + design.T @ design  # [T+1, T+1]
        moment = moment + design.T @ seen.change.swapaxes(1, 2)[whole]  # [T+1, H]
    weights = least_squares.solve(gram, moment, ridge=_RIDGE)
    return weights[:-1], weights[-1]


def _everything(network: Transformer, path: LinearPath, task: Task) -> tuple[Array, Array]:
    """Kernel [P, H, targets] and weights of what is known ahead [H, C, targets], of windows without a missing target.

    Steps share the products of the P columns they have in common; only the C columns of a step ahead are its own.
    """
    horizon = task.shape.horizon
    gram, cross, own, moment, own_moment = (np.zeros(()) for _ in range(5))
    for seen in _windows(network, task):
        whole = seen.observed.all(axis=(1, 2))
        rows, change = _array(path.rows(seen.inputs))[whole], seen.change[whole]
        ahead = _array(seen.inputs["known_future"])[whole, -horizon:]
        gram = gram + rows.T @ rows  # [P, P]
        cross = cross + np.einsum("bp,bhc->hpc", rows, ahead, optimize=True)
        own = own + np.einsum("bhc,bhd->hcd", ahead, ahead, optimize=True)
        moment = moment + np.einsum("bp,bhk->hpk", rows, change, optimize=True)
        own_moment = own_moment + np.einsum("bhc,bhk->hck", ahead, change, optimize=True)
    weights = np.stack(
        [
            least_squares.solve(
                np.block([[gram, cross[step]], [cross[step].T, own[step]]]),
                np.vstack([moment[step], own_moment[step]]),
                ridge=_RIDGE,
            )
            for step in range(horizon)
        ]
    )  # [H, P+C, targets]
    return weights[:, : len(gram)].swapaxes(0, 1), weights[:, len(gram) :]


class _Seen(NamedTuple):
    """Windows as the network sees them, less what the calendar expects.

    Attributes:
        inputs: Of the linear path.
        change: [B, H, targets] what is to be forecast of them, in the units of their level.
        observed: [B, H, targets] where that is known.
    """

    inputs: Inputs
    change: Array
    observed: NDArray[np.bool_]


def _windows(network: Transformer, task: Task) -> Iterator[_Seen]:
    index = task.windows["train"]
    for numbers in batches.all_numbers(index, batch_size=_WINDOWS_AT_ONCE):
        batch = batches.gather(task.rows, index, numbers)
        view = network.view({name: ops.convert_to_tensor(array) for name, array in batch.inputs.items()})
        change = batch.target - _array(view.level)[..., 0]
        change = change if view.expected is None else change - _array(view.expected)
        change = change if view.spread is None else change / _array(view.spread)[..., 0]
        yield _Seen(view.inputs, change, batch.target_observed > 0)


def _array(tensor: Any) -> Array:
    found: Array = ops.convert_to_numpy(tensor).astype(np.float64)
    return found
