"""Random numbers and moments for the demo company: one independent stream per purpose, so that a change in one
part of the generator leaves all others as they were. No business rule belongs here."""

from __future__ import annotations

import zlib

import numpy as np
import numpy.typing as npt

from pipelines.demo.company import DAY, START

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def stream(seed: int, purpose: str) -> np.random.Generator:
    """A generator that depends on the seed and the purpose only."""
    return np.random.Generator(np.random.PCG64([seed, zlib.crc32(purpose.encode())]))


def moment(rng: np.random.Generator, day: npt.NDArray[np.floating] | Ints) -> Ints:
    """UTC seconds somewhere between 8:00 and 22:30 local on each day (days counted from `START`).

    Night hours are left out on purpose: local exports then never hold a time that the end of summer time doubles.
    """
    hours = 8.0 + 14.5 * rng.beta(2.0, 1.7, len(day))
    return (START + np.floor(day) * DAY + hours * 3600).astype(np.int64)


def office_moment(rng: np.random.Generator, day: npt.NDArray[np.floating] | Ints) -> Ints:
    """UTC seconds between 8:30 and 17:00 local on each day."""
    return (START + np.floor(day) * DAY + (8.5 + 8.5 * rng.random(len(day))) * 3600).astype(np.int64)


def day_of(at: Ints) -> Ints:
    """Day number (0 = `START`) of UTC seconds."""
    return (at - START) // DAY


def ragged(counts: Ints) -> tuple[Ints, Ints]:
    """For groups of the given sizes: the group of each member and its position inside the group."""
    group = np.repeat(np.arange(len(counts)), counts)
    first = np.repeat(np.cumsum(counts) - counts, counts)
    return group, np.arange(len(group)) - first


def running(group: Ints, step: Ints, counts: Ints) -> Ints:
    """Cumulative sum of `step` that starts again in each group (groups contiguous, in order)."""
    total = np.cumsum(step)
    first = np.cumsum(counts) - counts
    safe = np.minimum(first, max(len(step) - 1, 0))
    base = (total[safe] - step[safe]) if len(step) else total
    return total - base[group]


def logistic(x: Floats) -> Floats:
    """The inverse of log-odds."""
    return 1.0 / (1.0 + np.exp(-x))
