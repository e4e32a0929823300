"""Which weeks changed more than chance: weekly series against what their own past leads to expect, without crying wolf.

From MINIMUM_WEEKS of history a quasi-Poisson regression (trend, two yearly Fourier waves, public holidays; McCullagh and Nelder
1989) says what a week should hold; it stands out beyond LIMIT standard deviations after the 2/3-power transformation of
Farrington et al. (1996), which takes the skewness out of counts. Mean scores: the same by weighted least squares, with their own
variance. A comparison with the same week a year before (median and MAD) is the cross-check. With less history only floors
and freshness speak. The week under test, and known incidents, never train a model. Not here: what is counted (SQL), who is told.
"""

from __future__ import annotations

import datetime as dt
import warnings
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import statsmodels.api as sm

from models.statistics import MAD_SCALE
from models.threads import single_threaded

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

MINIMUM_WEEKS = 60
# Five years: older weeks were another company.
MAXIMUM_WEEKS = 260
LIMIT = 4.0
YEAR_LIMIT = 3.5
# Complete weeks, counted back from the last, that are tested each night.
TESTED_WEEKS = 4
YEAR = 52
WEEK_DAYS = 365.2425 / 7
# A floor: so many weeks before had at least this much, and the week has nothing.
FLOOR_WEEKS, FLOOR_COUNT = 8, 5
# Freshness: silence longer than twice the longest pause seen, and than so many days.
FRESH_FACTOR, FRESH_DAYS = 2, 3
# Weekly means of fewer scores than this say nothing on their own.
MINIMUM_SCORES = 5
# The weights of a score model count scores; below this spread a mean is taken for constant.
TINY = 1e-9


@dataclass(frozen=True)
class Verdict:
    """What a model expects of a week, how far off it was, and the smallest change it could have seen (as shares)."""

    expected: float
    z: float
    smallest_drop: float
    smallest_rise: float


@cache
def easter(year: int) -> dt.date:
    """Easter Sunday of the Gregorian calendar (Meeus 1991, after Butcher)."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    weekday = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 22 * weekday) // 451
    month, day = divmod(h + weekday - 7 * m + 114, 31)
    return dt.date(year, month, day + 1)


@cache
def holidays(year: int) -> frozenset[dt.date]:
    """Working days on which most of Western Europe rests: New Year, Good Friday, Easter and Whit Monday, Ascension, Christmas."""
    sunday = easter(year)
    moving = {sunday + dt.timedelta(days=offset) for offset in (-2, 1, 39, 50)}
    return frozenset(moving | {dt.date(year, 1, 1), dt.date(year, 12, 25), dt.date(year, 12, 26)})


def design(weeks: list[dt.date], extra: frozenset[dt.date] = frozenset()) -> Floats:
    """Columns of the model per week (its Monday): constant, trend in years, two yearly waves, holidays, turn of the year.

    `extra` are the company's own special days; they count like holidays, in a column of their own.
    """
    days = [[monday + dt.timedelta(days=offset) for offset in range(7)] for monday in weeks]
    closed = [sum(day in holidays(day.year) and day.weekday() < 5 for day in week) for week in days]
    turn = [any((day.month, day.day) >= (12, 25) or (day.month, day.day) <= (1, 1) for day in week) for week in days]
    special = [sum(day in extra for day in week) for week in days]
    moment = np.array([monday.toordinal() for monday in weeks], dtype=np.float64) / 365.2425
    waves = [function(2 * np.pi * number * moment) for number in (1, 2) for function in (np.sin, np.cos)]
    trend = moment - (moment[-1] if len(moment) else 0)
    return np.column_stack([np.ones(len(weeks)), trend, *waves, closed, turn, special]).astype(np.float64)


def _kept(matrix: Floats) -> npt.NDArray[np.int64]:
    """The constant, and every other column that is not the same all the time (without any row: the constant)."""
    if not len(matrix):
        return np.zeros(1, dtype=np.int64)
    return np.flatnonzero((np.ptp(matrix, axis=0) > 0) | (np.arange(matrix.shape[1]) == 0))


def count_verdict(matrix: Floats, counts: Floats, train: Flags, week: int) -> Verdict | None:
    """Quasi-Poisson regression on the weeks in `train` (never `week` itself), and its verdict on `week`; None without a fit."""
    train = train.copy()
    train[week] = False
    columns = _kept(matrix[train])
    if train.sum() <= len(columns) + 5 or counts[train].sum() == 0:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            fit = sm.GLM(counts[train], matrix[train][:, columns], family=sm.families.Poisson()).fit(
                scale="X2", maxiter=50
            )
        except (ValueError, np.linalg.LinAlgError):
            return None
    row = matrix[week, columns]
    expected = float(np.exp(np.clip(row @ fit.params, -20, 25)))
    # Less spread than chance alone is luck of the weeks seen.
    dispersion = max(float(fit.scale), 1.0)
    uncertain = float(row @ fit.cov_params() @ row) * dispersion / max(float(fit.scale), TINY)
    # Variance of the 2/3 power by the delta method: (4/9) mu^(1/3) tau, with tau = phi + mu Var(eta).
    error = 2 / 3 * expected ** (1 / 6) * np.sqrt(dispersion + expected * uncertain)
    middle = expected ** (2 / 3)
    if not np.isfinite(error) or error <= 0:
        return None
    low, high = max(middle - LIMIT * error, 0.0) ** 1.5, (middle + LIMIT * error) ** 1.5
    return Verdict(
        expected,
        float((counts[week] ** (2 / 3) - middle) / error),
        1 - low / expected if low > 0 else float("nan"),
        high / expected - 1,
    )


def score_verdict(matrix: Floats, means: Floats, sizes: Floats, train: Flags, week: int) -> Verdict | None:
    """The same for a weekly mean of `sizes` scores: weighted least squares, so that a week of few scores varies more."""
    train = train & (sizes >= MINIMUM_SCORES)
    train[week] = False
    columns = _kept(matrix[train])
    if train.sum() <= len(columns) + 5 or sizes[week] < MINIMUM_SCORES:
        return None
    fit = sm.WLS(means[train], matrix[train][:, columns], weights=sizes[train]).fit()
    row = matrix[week, columns]
    expected = float(row @ fit.params)
    error = float(np.sqrt(max(fit.scale, TINY) / sizes[week] + row @ fit.cov_params() @ row))
    if not np.isfinite(error) or expected <= 0:
        return None
    reach = LIMIT * error / expected
    return Verdict(expected, (means[week] - expected) / error, reach if reach < 1 else float("nan"), reach)


def year_on_year(counts: Floats, train: Flags, week: int) -> tuple[float, float]:
    """Change against the same week a year before (as a share), and how unusual: robust z among the past such changes.

    NaN with fewer than FLOOR_WEEKS past changes.
    """
    if week < YEAR:
        return float("nan"), float("nan")
    change = np.log((counts[YEAR:] + 1) / (counts[:-YEAR] + 1))
    place = week - YEAR
    # A training pair has both weeks in training, so that an incident a year ago does not make this year's week a leap.
    past = [i for i in range(place) if train[i] and train[i + YEAR]]
    share = float((counts[week] + 1) / (counts[week - YEAR] + 1) - 1)
    if len(past) < FLOOR_WEEKS:
        return share, float("nan")
    middle = float(np.median(change[past]))
    spread = MAD_SCALE * float(np.median(np.abs(change[past] - middle)))
    # Never surer than the counts themselves allow.
    spread = max(spread, float(np.sqrt(1 / (counts[week] + 1) + 1 / (counts[week - YEAR] + 1))) / 2)
    return share, float((change[place] - middle) / spread)


SCHEMA = pa.schema(
    [
        ("measure", pa.string()), ("series_kind", pa.string()), ("series", pa.string()), ("week_date", pa.date32()),
        ("is_complete", pa.bool_()), ("is_incident", pa.bool_()), ("touchpoint_count", pa.int64()),
        ("mean_score_scaled", pa.float64()), ("trend_status", pa.string()), ("expected_value", pa.float64()),
        ("change_share", pa.float64()), ("z_score", pa.float64()), ("smallest_drop_share", pa.float64()),
        ("smallest_rise_share", pa.float64()), ("year_on_year_share", pa.float64()), ("year_on_year_z", pa.float64()),
        ("is_confirmed", pa.bool_()), ("is_alert", pa.bool_()), ("alert_reason", pa.string()),
    ]
)  # fmt: skip


@single_threaded
def touchpoint_trend(table: pa.Table) -> pa.Table:
    """Finish of `touchpoint_trend`: every week of every series, the last complete ones with a verdict.

    Reads one row per series and week with something in it: `measure` (count or score), `series_kind`, `series`, `week_date`,
    `touchpoint_count`, `score_sum`; repeated on each row: `data_date` (date), `last_seen_date` and `longest_pause_days` of the
    series, `incident_weeks` and `special_days` (dates separated by commas). Weeks between without anything are filled in as 0.
    """
    if not len(table):
        return SCHEMA.empty_table()
    frame: pl.DataFrame = pl.DataFrame(table).sort("measure", "series_kind", "series", "week_date")
    today: dt.date = frame["data_date"][0]
    incidents = _dates(frame["incident_weeks"][0])
    special = frozenset(_dates(frame["special_days"][0]))
    first: dt.date = min(frame["week_date"].to_list())
    last = today - dt.timedelta(days=today.weekday())
    weeks = [first + dt.timedelta(weeks=number) for number in range((last - first).days // 7 + 1)]
    matrix = design(weeks, special)
    parts = [
        _series(part, weeks, matrix, today, incidents)
        for part in frame.partition_by("measure", "series_kind", "series", maintain_order=True)
    ]
    return pa.concat_tables(parts)


def _dates(text: str | None) -> set[dt.date]:
    return {dt.date.fromisoformat(part.strip()) for part in (text or "").split(",") if part.strip()}


def _series(
    part: pl.DataFrame, weeks: list[dt.date], matrix: Floats, today: dt.date, incidents: set[dt.date]
) -> pa.Table:
    """One series with its verdicts."""
    place = np.array([(week - weeks[0]).days // 7 for week in part["week_date"]])
    counts, sums = np.zeros(len(weeks)), np.zeros(len(weeks))
    counts[place] = part["touchpoint_count"].to_numpy()
    sums[place] = part["score_sum"].fill_null(0).to_numpy()
    means = np.divide(sums, counts, out=np.full(len(weeks), np.nan), where=counts > 0)
    is_score = part["measure"][0] == "score"
    begin = max(int(place[0]), len(weeks) - MAXIMUM_WEEKS)
    complete = np.array([week + dt.timedelta(days=7) <= today + dt.timedelta(days=1) for week in weeks])
    incident = np.array([week in incidents for week in weeks])
    # The first week began before its first touchpoint, as far as anybody knows.
    train = complete & ~incident & (np.arange(len(weeks)) > begin)
    tested = np.flatnonzero(complete)[-TESTED_WEEKS:]
    rows = []
    for week in range(int(place[0]), len(weeks)):
        row: dict[str, object] = {"week_date": weeks[week], "touchpoint_count": int(counts[week]), "is_alert": False}
        row |= {"is_complete": bool(complete[week]), "is_incident": bool(incident[week])}
        row["mean_score_scaled"] = None if np.isnan(means[week]) or not is_score else float(means[week])
        row["trend_status"] = "history" if complete[week] else "incomplete"
        if incident[week]:
            row["trend_status"] = "incident"
        elif week in tested:
            row |= _tested(matrix, counts, means, train, week, is_score)
        rows.append(row)
    _silence(part, rows, today)
    names = {name: part[name][0] for name in ("measure", "series_kind", "series")}
    return pa.Table.from_pylist([{**names, **row} for row in rows], schema=SCHEMA)


def _tested(
    matrix: Floats, counts: Floats, means: Floats, train: Flags, week: int, is_score: bool
) -> dict[str, object]:
    """The verdict on one complete week; by floors alone while the history is short."""
    before = train.copy()
    # Only the past trains: a night that looks back must say what the night of that week could say.
    before[week:] = False
    value = means[week] if is_score else counts[week]
    if before.sum() < MINIMUM_WEEKS:
        floor = before[max(0, week - FLOOR_WEEKS) : week].sum() == FLOOR_WEEKS
        below = (
            floor and not is_score and counts[week] == 0 and (counts[week - FLOOR_WEEKS : week] >= FLOOR_COUNT).all()
        )
        return {
            "trend_status": "floor",
            "is_alert": bool(below),
            "alert_reason": "nothing in a week, where there was always something" if below else None,
        }
    if is_score:
        verdict = score_verdict(matrix, np.nan_to_num(means), counts, before, week)
        share, year_z = float("nan"), float("nan")
    else:
        verdict = count_verdict(matrix, counts, before, week)
        share, year_z = year_on_year(counts, before | (np.arange(len(counts)) == week), week)
    if verdict is None:
        return {"trend_status": "no_model"}
    alert = abs(verdict.z) >= LIMIT
    found: dict[str, object] = {
        "trend_status": "tested",
        "expected_value": verdict.expected,
        "change_share": float(value / verdict.expected - 1),
        "z_score": verdict.z,
        "smallest_drop_share": verdict.smallest_drop,
        "smallest_rise_share": verdict.smallest_rise,
        "year_on_year_share": share,
        "year_on_year_z": year_z,
        "is_confirmed": bool(abs(year_z) >= YEAR_LIMIT and year_z * verdict.z > 0)
        if alert and np.isfinite(year_z)
        else None,
        "is_alert": bool(alert),
        "alert_reason": ("more" if verdict.z > 0 else "less") + " than its own past leads to expect" if alert else None,
    }
    return {name: None if isinstance(v, float) and not np.isfinite(v) else v for name, v in found.items()}


def _silence(part: pl.DataFrame, rows: list[dict[str, object]], today: dt.date) -> None:
    """Mark the last row of a source from which nothing has come for twice its longest pause."""
    if part["series_kind"][0] != "source" or part["longest_pause_days"][0] is None:
        return
    quiet = (today - part["last_seen_date"][0]).days
    if quiet > max(FRESH_DAYS, FRESH_FACTOR * int(part["longest_pause_days"][0])):
        rows[-1] |= {
            "is_alert": True,
            "alert_reason": f"the source has been silent for {quiet} days",
            "trend_status": "silent",
        }
