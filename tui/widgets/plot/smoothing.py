"""Smoothing of a curve: an exponential moving average (EMA) without bias at its start."""

from __future__ import annotations

from enum import Enum


class Smoothing(Enum):
    """The decay of the moving average: how much of the mean so far each new mean keeps."""

    OFF = 0.0
    WEAK = 0.6
    STRONG = 0.95

    @property
    def label(self) -> str:
        """The level by its decay: `smoothed (EMA 0.6)`."""
        if self is Smoothing.OFF:
            return "not smoothed"
        return f"smoothed (EMA {self.value})"


class MovingAverage:
    """An exponential moving average, extended as values arrive.

    It is the weighted mean of all values so far, with weights `decay ** age`. Dividing by the sum
    of the weights removes the bias at its start (Kingma and Ba 2015, section 3).
    """

    def __init__(self, decay: float) -> None:
        self._decay = decay
        self._sum = 0.0
        self._weights = 0.0
        self._means: list[float] = []

    def extend(self, values: list[float]) -> list[float]:
        """The mean at each value; only those after the known ones are computed."""
        for value in values[len(self._means) :]:
            self._sum = self._decay * self._sum + value
            self._weights = self._decay * self._weights + 1
            self._means.append(self._sum / self._weights)
        return self._means
