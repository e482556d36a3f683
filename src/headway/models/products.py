"""Matrix products whose gradients are fast on every backend.

On TensorFlow and on a GPU they are the plain ones.
"""

from typing import Any

import keras
from keras import KerasTensor, ops


def product(left: KerasTensor, right: KerasTensor) -> KerasTensor:
    """[..., M, K] times [..., K, N] -> [..., M, N]; the axes before the last two are the same."""
    if not _is_jax_on_cpu():
        return ops.matmul(left, right)

    @ops.custom_gradient
    def multiplied(left: KerasTensor, right: KerasTensor) -> tuple[KerasTensor, Any]:
        def gradient(*args: KerasTensor, upstream: KerasTensor | None = None) -> tuple[KerasTensor, KerasTensor]:
            of = args[0] if upstream is None else upstream
            return ops.matmul(of, ops.swapaxes(right, -1, -2)), ops.matmul(_laid_out(left), of)

        return ops.matmul(left, right), gradient

    return multiplied(left, right)


def inner_products(left: KerasTensor, right: KerasTensor) -> KerasTensor:
    """Of each row [..., M, K] with each row [..., N, K] -> [..., M, N]; the axes before the last two are the same."""
    if not _is_jax_on_cpu():
        return ops.matmul(left, ops.swapaxes(right, -1, -2))

    @ops.custom_gradient
    def multiplied(left: KerasTensor, right: KerasTensor) -> tuple[KerasTensor, Any]:
        def gradient(*args: KerasTensor, upstream: KerasTensor | None = None) -> tuple[KerasTensor, KerasTensor]:
            of = args[0] if upstream is None else upstream
            return ops.matmul(of, right), ops.matmul(_laid_out(of), left)

        return ops.matmul(left, ops.swapaxes(right, -1, -2)), gradient

    return multiplied(left, right)


def _is_jax_on_cpu() -> bool:
    if keras.backend.backend() != "jax":
        return False
    import jax

    return jax.default_backend() == "cpu"


def _laid_out(x: KerasTensor) -> KerasTensor:
    """The last two axes swapped, in memory of its own.

    XLA would else fold it into the next product, for whose left side it has a fast kernel on a CPU only as it stands in
    memory: attention over six steps, forward and backward, took 2.5 times as long.
    """
    from jax import lax

    return lax.optimization_barrier(ops.swapaxes(x, -1, -2))  # type: ignore[no-untyped-call]
