"""The regular clock of a dataset: timestamps as whole numbers of one step."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_UNITS = {"s": "s", "min": "m", "h": "h", "D": "D", "W": "W", "M": "M"}
_DAY = np.timedelta64(1, "D")


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
        steps = np.diff(timestamps.astype("datetime64[s]")).astype(np.int64)
        steps = steps[steps > 0]
        if not len(steps):
            return None
        days = steps / 86_400
        if (days >= 28).all() and len(np.unique(timestamps - timestamps.astype("datetime64[M]"))) == 1:
            months = np.diff(timestamps.astype("datetime64[M]")).astype(np.int64)
            return cls(int(np.bincount(months[months > 0]).argmax()), "M")
        values, counts = np.unique(steps, return_counts=True)
        seconds = int(values[counts.argmax()])
        for unit, size in (("D", 86_400), ("h", 3600), ("min", 60)):
            if seconds % size == 0:
                return cls(seconds // size, unit)
        return cls(seconds, "s")

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
