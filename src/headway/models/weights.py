"""Which weights a network has, known without making them: what stores them is measured first."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import keras
from keras.src.backend.common import global_state

_WAITING = "uninitialized_variables"


@dataclass(frozen=True)
class Weight:
    """One array of a network.

    Attributes:
        shape: Its sizes.
        dtype: Its type, as NumPy names it.
    """

    shape: tuple[int, ...]
    dtype: str


def weights_of(make: Callable[[], keras.Model]) -> Mapping[str, Weight]:
    """The weights of a network by path, whatever their size: no memory is taken for them.

    Args:
        make: Makes the network, built; it is thrown away.

    Raises:
        Whatever `make` raises.
    """
    # Keras leaves variables that are made in such a scope for later, and has no word of its own for "never".
    before = list(global_state.get_global_attribute(_WAITING) or ())
    try:
        with keras.StatelessScope(initialize_variables=False):
            network = make()
        return {one.path: Weight(tuple(map(int, one.shape)), str(one.dtype)) for one in network.weights}
    finally:
        global_state.set_global_attribute(_WAITING, before)
