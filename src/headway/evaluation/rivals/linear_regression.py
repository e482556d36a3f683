"""Linear regression on everything the model sees."""

from collections.abc import Iterable
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from headway.evaluation.cases import Array, Cases
from headway.evaluation.rivals.least_squares import solve

_RIDGE = 1e-6  # of the mean diagonal: the hour of day at the origin decides that of a step ahead


class LinearRegression:
    """Linear in context, marks of missing values, calendar at the origin and at the step ahead, and series; one fit per step and target, on the change from the last observed value."""

    learns: ClassVar[bool] = True

    def fit(self, cases: Iterable[Cases]) -> None:
        """Solve the normal equations, added up batch by batch.

        All steps share the products of the P columns they have in common; only the C columns of the
        calendar ahead are a step's own. Where a target is missing, its rows are taken out of the products
        again; the windows that miss any are kept for that, in P + H * C float32 numbers each.
        """
        gram, cross, own = np.zeros(()), np.zeros(()), np.zeros(())
        kept: list[tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]] = []
        for batch in cases:
            common, ahead, change = _common(batch), _ahead(batch), batch.target - batch.last[:, None]
            missing = np.isnan(change)
            columns = np.concatenate([ahead, np.where(missing, 0.0, change)], axis=2)
            gram = gram + common.T @ common  # [P, P]
            cross = cross + np.tensordot(common, columns, axes=(0, 0))  # [P, H, C+targets]
            own = own + ahead.transpose(1, 2, 0) @ columns.swapaxes(0, 1)  # [H, C, C+targets]
            some = missing.any(axis=(1, 2))
            # Rounds nothing: what the model sees is float32.
            kept.append((common[some].astype(np.float32), ahead[some].astype(np.float32), missing[some]))
        # Columns that are always zero: marks of what is never missing, series without windows.
        self.used = np.diagonal(gram) > 0
        gram, cross = gram[np.ix_(self.used, self.used)], cross[self.used]
        common, ahead, missing = (np.concatenate(parts) for parts in zip(*kept, strict=True))
        common = common[:, self.used]
        self.weights = np.stack(
            [
                _step_weights(gram, cross[:, step], own[step], np.hstack([common, ahead[:, step]]), missing[:, step])
                for step in range(missing.shape[1])
            ],
            axis=1,
        )  # [used + C, H, targets]

    def forecast(self, cases: Cases) -> Array:
        """[B, H, targets] in the targets' own units."""
        common, ahead = np.split(self.weights, [np.count_nonzero(self.used)])
        change = np.tensordot(_common(cases)[:, self.used], common, axes=1)
        change += np.einsum("bhc,chk->bhk", _ahead(cases), ahead)
        return cases.last[:, None] + change


def _step_weights(
    gram: Array, cross: Array, own: Array, kept: NDArray[np.float32], missing: NDArray[np.bool_]
) -> Array:
    """Weights [P+C, targets] of one step ahead.

    Args:
        gram: Products of the common columns [P, P].
        cross: Products of the common columns with the step's calendar and changes [P, C+targets].
        own: Products of the step's calendar with itself and with its changes [C, C+targets].
        kept: Common columns and the step's calendar [rows, P+C] of the windows that miss any target.
        missing: [rows, targets] where these miss the step's own.
    """
    calendar = len(own)
    matrix = np.block([[gram, cross[:, :calendar]], [cross[:, :calendar].T, own[:, :calendar]]])
    moment = np.vstack([cross, own])[:, calendar:]
    weights = np.empty_like(moment)
    # Targets that miss the same windows share their equations: with none missing, all of them do.
    patterns, pattern_of = np.unique(missing, axis=1, return_inverse=True)
    for number, rows in enumerate(patterns.T):
        without = kept[rows].astype(np.float64)
        targets = pattern_of == number
        weights[:, targets] = solve(matrix - without.T @ without, moment[:, targets], ridge=_RIDGE)
    return weights


def _common(cases: Cases) -> Array:
    """The columns that all steps have in common, [B, P]; those of the series add up to an intercept."""
    size, length, features = cases.context.shape
    return np.hstack(
        [
            cases.context.reshape(size, length * features),
            1 - cases.observed.reshape(size, length * features),
            cases.known_future[:, cases.context_length - 1],
            cases.series[:, None] == np.arange(cases.num_series),
        ],
        dtype=np.float64,
    )


def _ahead(cases: Cases) -> Array:
    """The calendar of every step ahead, [B, H, C]."""
    return cases.known_future[:, cases.context_length :].astype(np.float64)


RIVAL = LinearRegression
