"""`make bench-trend`: how often the weekly alerts cry wolf, and how often they see a week at half volume.

Usage: python -m benchmarks.trend 200            (series; each has three years of weeks of which the last is tested)

Simulated weeks: a yearly wave, a trend, holidays that halve a working day, and counts that vary more than Poisson (negative
binomial). Each week of the third year is tested with all weeks before it, as the night does; then once more with that week at
half its volume.
"""

from __future__ import annotations

import datetime as dt
import sys
import time

import numpy as np

from models import trend
from models.threads import single_threaded

SEED = 360
WEEKS = 156
START = dt.date(2022, 1, 3)


def simulated(generator: np.random.Generator, level: float, dispersion: float) -> np.ndarray:
    """Counts of WEEKS weeks around `level`, with variance `dispersion` times the mean."""
    weeks = [START + dt.timedelta(weeks=number) for number in range(WEEKS)]
    phase = 2 * np.pi * (np.arange(WEEKS) / trend.WEEK_DAYS + generator.random())
    mean = level * np.exp(
        0.25 * np.sin(phase)
        + 0.1 * np.sin(2 * phase + generator.random())
        + generator.normal(0, 0.15) * np.arange(WEEKS) / 52
    )
    closed = np.array(
        [sum(day in trend.holidays(day.year) for day in (w + dt.timedelta(days=d) for d in range(5))) for w in weeks]
    )
    mean = mean * (1 - 0.1 * closed)
    if dispersion <= 1:
        return generator.poisson(mean).astype(float)
    size = mean / (dispersion - 1)
    return generator.negative_binomial(size, size / (size + mean)).astype(float)


@single_threaded
def main(arguments: list[str]) -> None:
    """Simulate series of several sizes and print false alarms per series-year and the share of half weeks found."""
    series = int(arguments[0]) if arguments else 200
    weeks = [START + dt.timedelta(weeks=number) for number in range(WEEKS)]
    matrix = trend.design(weeks)
    print(f"{series} series of each kind, {WEEKS} weeks, the last 52 tested with the weeks before them (seed {SEED})")
    print(f"{'a week, variance':<24}{'false alarms':>14}{'half week':>11}{'smallest drop':>15}{'ms a test':>11}")
    print(f"{'':<24}{'a series-year':>14}{'found':>11}{'seen (median)':>15}")
    for level, dispersion in ((50, 1.5), (200, 2.0), (1000, 3.0), (5000, 10.0)):
        generator = np.random.default_rng(SEED)
        alarms = found = tests = 0
        drops = []
        started = time.process_time()
        for _ in range(series):
            counts = simulated(generator, level, dispersion)
            for week in range(WEEKS - 52, WEEKS):
                train = np.arange(WEEKS) < week
                verdict = trend.count_verdict(matrix, counts, train, week)
                if verdict is None:
                    continue
                tests += 1
                alarms += abs(verdict.z) >= trend.LIMIT
                drops.append(verdict.smallest_drop)
                if week % 13 == 0:
                    half = counts.copy()
                    half[week] = generator.binomial(int(half[week]), 0.5)
                    halved = trend.count_verdict(matrix, half, train, week)
                    found += halved is not None and halved.z <= -trend.LIMIT
        spent = (time.process_time() - started) / max(tests, 1) * 1000
        halves = series * len([w for w in range(WEEKS - 52, WEEKS) if w % 13 == 0])
        print(
            f"{level:>6} {dispersion:>6g} x mean{'':<6}{alarms / (tests / 52):>14.3f}{found / halves:>11.1%}"
            f"{np.nanmedian(drops):>15.1%}{spent:>11.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main(sys.argv[1:])
