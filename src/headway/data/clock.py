"""The regular clock of a dataset: timestamps as whole numbers of one step."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

_UNITS = {"s": "s", "min": "m", "h": "h", "D": "D", "W": "W", "M": "M"}
_DAY = np.timedelta64(1, "D")
_SHORTEST_MONTH = 28 * 86_400  # seconds


@dataclass(frozen=True)
class Clock:
    """Equal steps of time; a step of months counts calendar months, whatever their length.

    Attributes:
        count: Units per step.
        unit: "s", "min", "h", "D", "W" or "M".
    """

    count: int
    unit: str

    @classmethod
    def parse(cls, frequency: str) -> "Clock":
        """The clock of a frequency such as "1h", "15min", "1D" or "1M"."""
        digits = "".join(character for character in frequency if character.isdigit())
        return cls(int(digits), frequency[len(digits) :])

    @classmethod
    def from_timestamps(cls, timestamps: NDArray[np.datetime64]) -> "Clock | None":
        """The most common step of sorted timestamps, or None where there is no positive one."""
        steps = Steps()
        steps.add(timestamps)
        return steps.clock()

    @property
    def step(self) -> np.timedelta64:
        """One step; a month stays a month."""
        return np.timedelta64(self.count, _UNITS[self.unit])  # type: ignore[call-overload]

    @property
    def is_calendar(self) -> bool:
        """Whether steps are calendar months and so differ in length."""
        return self.unit == "M"

    @property
    def days(self) -> float:
        """Length of a step in days, a month counted as its mean."""
        return self.count * 30.436875 if self.is_calendar else float(self.step / _DAY)

    @property
    def season(self) -> int:
        """Steps of the cycle one expects first: a day, a week for days, a year for months, else 1."""
        for cycle in (1.0, 7.0, 365.2425):
            steps = cycle / self.days
            if steps >= 2 and abs(steps - round(steps)) < 0.01:
                return round(steps)
        return 1

    def steps_between(self, origin: np.datetime64, timestamps: NDArray[np.datetime64]) -> NDArray[np.float64]:
        """Steps from `origin` to each timestamp; a fraction where a timestamp is off the clock."""
        if self.is_calendar:
            months = (timestamps.astype("datetime64[M]") - origin.astype("datetime64[M]")).astype(np.float64)
            off = (timestamps - timestamps.astype("datetime64[M]")) != (origin - origin.astype("datetime64[M]"))
            return np.where(off, np.nan, months / self.count)
        return (timestamps - origin) / self.step

    def after(self, origin: NDArray[np.datetime64] | np.datetime64, steps: NDArray[np.int64]) -> NDArray[np.datetime64]:
        """Timestamps that lie `steps` after `origin`, by broadcasting."""
        origin = np.asarray(origin)
        if self.is_calendar:
            month = origin.astype("datetime64[M]")
            later = (month + steps * self.count).astype(origin.dtype)
            return later + np.subtract(origin, month.astype(origin.dtype))
        return origin + steps * self.step.astype("timedelta64[s]")

    def __str__(self) -> str:
        return f"{self.count}{self.unit}"


@dataclass
class Steps:
    """Steps between the sorted times of a series, counted as they come: what its clock is read off.

    Attributes:
        first, last: The first and the latest time so far.
        seconds: Length of a step -> how often.
        months: Calendar months of a step -> how often; counted as long as no step is shorter than a month.
        offsets: Times since the month began, up to two of them; likewise.
    """

    first: np.datetime64 | None = None
    last: NDArray[np.datetime64] | None = None
    seconds: Counter[int] = field(default_factory=Counter)
    months: Counter[int] = field(default_factory=Counter)
    offsets: set[int] = field(default_factory=set)

    def add(self, timestamps: NDArray[np.datetime64]) -> None:
        """Count the steps up to and between later times."""
        if not len(timestamps):
            return
        joined = timestamps if self.last is None else np.concatenate([self.last, timestamps])
        self.first = joined[0] if self.first is None else self.first
        self.last = joined[-1:].copy()
        self.seconds += _counted(np.diff(joined.astype("datetime64[s]")).astype(np.int64))
        if self._is_monthly():
            self.months += _counted(np.diff(joined.astype("datetime64[M]")).astype(np.int64))
            offsets = joined - joined.astype("datetime64[M]")
            self.offsets |= {int(offsets.min().astype(np.int64)), int(offsets.max().astype(np.int64))}

    def clock(self) -> Clock | None:
        """The clock of the most common step, the shorter of two, or None where there was no positive one."""
        if not self.seconds:
            return None
        if self._is_monthly() and len(self.offsets) == 1:
            return Clock(_most_common(self.months), "M")
        seconds = _most_common(self.seconds)
        for unit, size in (("D", 86_400), ("h", 3600), ("min", 60)):
            if seconds % size == 0:
                return Clock(seconds // size, unit)
        return Clock(seconds, "s")

    def _is_monthly(self) -> bool:
        return min(self.seconds, default=_SHORTEST_MONTH) >= _SHORTEST_MONTH


def _counted(steps: NDArray[np.int64]) -> Counter[int]:
    """Positive steps -> how often."""
    if len(steps) and steps[0] > 0 and (steps == steps[0]).all():
        return Counter({int(steps[0]): len(steps)})
    values, counts = np.unique(steps[steps > 0], return_counts=True)
    return Counter(dict(zip(values.tolist(), counts.tolist(), strict=True)))


def _most_common(steps: Counter[int]) -> int:
    return min(steps, key=lambda step: (-steps[step], step))
