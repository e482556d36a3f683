"""Products and their gradients on both backends: what NumPy's own say."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from headway.models.products import inner_products, product

# Left, right, upstream: of rows, and of batches of heads.
SHAPES = {
    "product": [((13, 5), (5, 7)), ((3, 2, 5, 7), (3, 2, 7, 11))],
    "inner_products": [((3, 2, 5, 7), (3, 2, 11, 7))],
}
CASES = [(name, number) for name, shapes in SHAPES.items() for number in range(len(shapes))]
CHILD = """
import sys
sys.modules["tensorflow"] = None
import json, jax, keras, numpy as np
from headway.models import products
raw, found = dict(np.load(sys.argv[1])), {}
for case in json.loads(sys.argv[3]):
    key = "-".join(map(str, case))
    values, back = jax.vjp(getattr(products, case[0]), *(raw[f"{key}-{side}"] for side in ("left", "right")))
    found[f"{key}-values"] = values
    found[f"{key}-by_left"], found[f"{key}-by_right"] = back(raw[f"{key}-upstream"])
text = jax.jit(jax.grad(lambda left, right: products.product(left, right).sum(), argnums=1)).lower(
    raw["product-0-left"], raw["product-0-right"]
).as_text()
assert "optimization_barrier" in text
np.savez(sys.argv[2], **found)
"""


def given(name: str, number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(number)
    left, right = (generator.normal(size=shape).astype("float32") for shape in SHAPES[name][number])
    return left, right, generator.normal(size=expected_values(name, left, right).shape).astype("float32")


def expected_values(name: str, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    return np.einsum("...mk,...kn->...mn" if name == "product" else "...mk,...nk->...mn", left, right)


def assert_right(name: str, number: int, values: Any, by_left: Any, by_right: Any) -> None:
    left, right, upstream = given(name, number)
    sides = (
        ("...mn,...kn->...mk", "...mk,...mn->...kn")
        if name == "product"
        else ("...mn,...nk->...mk", "...mn,...mk->...nk")
    )
    np.testing.assert_allclose(values, expected_values(name, left, right), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(by_left, np.einsum(sides[0], upstream, right), rtol=1e-4, atol=1e-5)
    first, second = (left, upstream) if name == "product" else (upstream, left)
    np.testing.assert_allclose(by_right, np.einsum(sides[1], first, second), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("name", "number"), CASES)
def test_products_and_gradients_are_numpys(name: str, number: int) -> None:
    left, right, upstream = map(tf.constant, given(name, number))
    with tf.GradientTape() as tape:
        tape.watch([left, right])
        values = {"product": product, "inner_products": inner_products}[name](left, right)
    assert_right(name, number, values, *tape.gradient(values, [left, right], output_gradients=upstream))


def test_products_and_gradients_are_numpys_on_jax_too(tmp_path: Path) -> None:
    arrays = {
        f"{name}-{number}-{side}": array
        for name, number in CASES
        for side, array in zip(("left", "right", "upstream"), given(name, number), strict=True)
    }
    np.savez(tmp_path / "given.npz", **arrays)
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(tmp_path / "given.npz"), str(tmp_path / "found.npz"), json.dumps(CASES)],
        env={**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    found = np.load(tmp_path / "found.npz")
    for name, number in CASES:
        assert_right(name, number, *(found[f"{name}-{number}-{part}"] for part in ("values", "by_left", "by_right")))
