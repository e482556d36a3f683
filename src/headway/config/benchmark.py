"""The benchmark group: a published protocol, what is known about its file, and what others reached on it."""

from typing import Annotated

from pydantic import Field, NonNegativeFloat, PositiveFloat, Strict, model_validator

from headway.config.spec import Name, Names, Rows, Spec

_MOST_COLUMNS = 1000
_MOST_HORIZONS = 100
_MOST_PUBLISHED = 100
Means = Annotated[tuple[float, ...], Strict(False)]
Scales = Annotated[tuple[PositiveFloat, ...], Strict(False)]


class ErrorsSpec(Spec):
    """Errors on standardised values, over all test windows, steps and columns together.

    Attributes:
        mse: Mean squared error.
        mae: Mean absolute error.
    """

    mse: NonNegativeFloat
    mae: NonNegativeFloat


class CountsSpec(Spec):
    """Windows of each split.

    Attributes:
        train, validation, test: Numbers of windows, stride 1, the last batch included.
    """

    train: Rows
    validation: Rows
    test: Rows


class PublishedSpec(Spec):
    """What another model reached, as its paper says.

    Attributes:
        model: Its name.
        mse, mae: On standardised values; None where the source does not say.
        source: Where that stands.
    """

    model: Name
    mse: NonNegativeFloat | None
    mae: NonNegativeFloat | None
    source: Name


class HorizonSpec(Spec):
    """What is known at one horizon.

    Attributes:
        horizon: Rows ahead.
        windows: How many there are.
        repeat_last: Errors of repeating the last value.
        least_squares: Errors of one linear map from the context to the future, shared by all columns.
        published: What others reached.
    """

    horizon: Rows
    windows: CountsSpec
    repeat_last: ErrorsSpec
    least_squares: ErrorsSpec
    published: Annotated[tuple[PublishedSpec, ...], Strict(False), Field(max_length=_MOST_PUBLISHED)]


class KnownSpec(Spec):
    """A file that is known, and what simple forecasts must give on it; nothing of it depends on a model.

    Attributes:
        file: Its name, without folder.
        clock: Its step, like "1h".
        rows: First rows, behind means and scales: those the protocol trains on.
        columns: Its columns, all of which are forecast.
        means, scales: Mean and standard deviation (ddof 0) of each column over those rows, in its own unit.
        horizons: What is known at each horizon.
    """

    file: Name
    clock: Annotated[str, Field(pattern=r"^[1-9][0-9]{0,5}(s|min|h|D|W|M)$")]
    rows: Rows
    columns: Annotated[Names, Field(min_length=1, max_length=_MOST_COLUMNS)]
    means: Means
    scales: Scales
    horizons: Annotated[tuple[HorizonSpec, ...], Strict(False), Field(min_length=1, max_length=_MOST_HORIZONS)]

    @model_validator(mode="after")
    def _lengths_agree(self) -> "KnownSpec":
        sizes = (len(self.columns), len(self.means), len(self.scales))
        if len(set(sizes)) > 1:
            raise ValueError(
                f"columns, means and scales must be as many: got {', '.join(map(str, sizes))}; give one of each per column"
            )
        for what, values in (("columns", self.columns), ("horizons", tuple(one.horizon for one in self.horizons))):
            twice = [value for place, value in enumerate(values) if value in values[:place]]
            if twice:
                raise ValueError(f"{what} names {twice[0]} twice")
        return self

    def at(self, horizon: int) -> HorizonSpec | None:
        """What is known at a horizon, or None."""
        return next((one for one in self.horizons if one.horizon == horizon), None)


class BenchmarkSpec(Spec):
    """A published protocol.

    Attributes:
        scaled: Score all targets together on standardised values, as papers do, and judge the model by that.
        known: A known file that must be as it was, or None to check nothing.
    """

    scaled: bool
    known: KnownSpec | None
