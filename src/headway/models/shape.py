"""The sizes that data and windows give to a model; imports no Keras."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TaskShape:
    """The sizes that data and windows give to a model.

    Attributes:
        context_length: Time steps T of the context.
        horizon: Steps H to forecast.
        num_features: Columns F of the context.
        targets: Positions of the targets among the features.
        num_known_future: Covariates C known in advance.
        num_series: Series the model tells apart.
    """

    context_length: int
    horizon: int
    num_features: int
    targets: tuple[int, ...]
    num_known_future: int
    num_series: int
