"""NLinear against scikit-learn, on rows built by plain loops."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from sklearn.linear_model import LinearRegression

from headway.evaluation.cases import Cases
from headway.evaluation.rivals.nlinear import NLinear

Wild = Callable[..., Cases]


def test_it_is_scikit_learns_regression_on_differences_from_the_last_value(
    wild: Wild, carried: Callable[[np.ndarray], np.ndarray]
) -> None:
    def rows_of(cases: Cases) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        pairs = [(window, target) for window in range(len(cases)) for target in range(2)]
        contexts = np.array([carried(cases.history[w, -5:, k]) / cases.scale[k] for w, k in pairs])
        targets = np.array([cases.target[w, :, k] / cases.scale[k] for w, k in pairs])
        # The last difference is always zero: four columns are left of five.
        return contexts[:, :4] - contexts[:, 4:], targets - contexts[:, 4:], contexts[:, 4]

    rival, other = NLinear(), wild(seed=2)
    rival.fit([wild()])
    found = rival.forecast(other)
    differences, changes, _ = rows_of(wild())
    asked, _, last = rows_of(other)
    for step in range(7):
        known = ~np.isnan(changes[:, step])
        oracle = LinearRegression().fit(differences[known], changes[known, step])
        expected = (last + oracle.predict(asked)).reshape(len(other), 2) * other.scale
        np.testing.assert_allclose(found[:, step], expected, rtol=1e-7)


def test_a_shift_of_the_context_shifts_the_forecast(wild: Wild) -> None:
    rival, cases = NLinear(), wild()
    rival.fit([cases])
    shifted = rival.forecast(replace(cases, history=cases.history + 1000))
    np.testing.assert_allclose(shifted, rival.forecast(cases) + 1000, rtol=1e-10)
