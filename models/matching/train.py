"""Estimating a matching model.

Belongs here: levels' probabilities and term frequencies from records, without labels or with those of generated people.
Does not belong here: which records (a benchmark, a command), applying the model (`score.py`).

u (agreement by chance) from random pairs (Splink's sampling, seeded). m (agreement within a person) and the share of
matches by expectation maximisation on the candidate pairs (Winkler 1988; Dempster, Laird and Rubin 1977), where a pair
that is vetoed counts as two people: members of a household agree in so much that EM would take them for one.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from models.matching.blocking import candidates
from models.matching.model import COMPARISONS, TERM_COLUMNS, Model, levels_of
from models.matching.record import prepare
from models.matching.score import connection, quiet_linker, score
from models.matching.veto import veto_reasons
from models.settings.matching import Matching

Floats = npt.NDArray[np.float64]
FLOOR = 1e-5
_NAMES = [comparison["output_column_name"] for comparison in COMPARISONS]


def settings_template(prior: float = 1e-4) -> dict[str, Any]:
    """Splink settings with untrained levels. `prior`: probability that two records drawn at random are one person."""
    return {
        "link_type": "dedupe_only",
        "unique_id_column_name": "cluster_id",
        "probability_two_random_records_match": prior,
        "retain_matching_columns": True,
        "retain_intermediate_calculation_columns": True,
        "blocking_rules_to_generate_predictions": [],
        "comparisons": copy.deepcopy(COMPARISONS),
    }


def frequencies(
    prepared: pl.DataFrame, least_share: float = 0.0
) -> tuple[dict[str, dict[str, float]], dict[str, float]]:
    """Shares of the values of `TERM_COLUMNS` that two records have and that are at least `least_share`; the mean share
    of the others.
    """
    frequency: dict[str, dict[str, float]] = {}
    unseen: dict[str, float] = {}
    for column in TERM_COLUMNS:
        values = prepared[column].drop_nulls()
        total = max(len(values), 1)
        counts = values.value_counts().sort(column)
        listed = counts.filter((pl.col("count") > 1) & (pl.col("count") / total >= least_share))
        others = counts.height - listed.height
        frequency[column] = {value: round(count / total, 7) for value, count in listed.iter_rows()}
        rest = (total - sum(listed["count"].to_list())) / total
        unseen[column] = round(rest / others if others else 1 / total, 7)
    return frequency, unseen


def chance_agreement(prepared: pl.DataFrame, seed: int = 360, pairs: int = 500_000) -> list[Floats]:
    """u per comparison and level: shares of levels among random pairs of records, by Splink."""
    with connection(2, "1GB") as database:
        from splink import DuckDBAPI

        linker = quiet_linker(DuckDBAPI(connection=database), prepared, settings_template())
        linker.training.estimate_u_using_random_sampling(max_pairs=pairs, seed=seed, min_count_per_level=None)
        trained = linker._settings_obj.as_dict()
    found = []
    for comparison in trained["comparisons"]:
        shares = [level.get("u_probability") for level in levels_of(comparison)]
        found.append(np.array([share if isinstance(share, float) else 0.0 for share in shares]))
    return found


def fit(records: pa.Table, settings: Matching, trained_on: str) -> Model:
    """A model for `records` (`record.INPUT`) from themselves, without labels: blocking, vetoes and limits are those of
    `settings`.
    """
    prepared = prepare(records)
    pairs = candidates(prepared, settings.block_size_limit, settings.comparison_limit).pairs
    start = untrained()
    scored = score(prepared, pairs, start, settings.threads, f"{settings.memory_limit_megabytes}MB")
    return estimate(prepared, scored, veto_reasons(scored, prepared, settings).is_not_null(), trained_on)


def estimate(
    prepared: pl.DataFrame,
    scored: pl.DataFrame,
    is_vetoed: pl.Series,
    trained_on: str,
    iterations: int = 100,
    by_chance: list[Floats] | None = None,
) -> Model:
    """A model for `prepared` from the levels of its candidate pairs (`scored`, by whatever weights), row by row with
    `is_vetoed`. `by_chance`: `chance_agreement` of `prepared`, where it is known already.
    """
    u = [np.clip(shares, FLOOR, None) for shares in by_chance or chance_agreement(prepared)]
    gammas = np.stack([scored[f"gamma_{name}"].to_numpy() for name in _NAMES], axis=1)
    matrix, weights, vetoed = _patterns(gammas, is_vetoed.to_numpy())
    m, share = _expectation_maximisation(matrix, weights, vetoed, u, iterations)
    count = prepared.height
    prior = share * float(weights.sum()) / (count * (count - 1) / 2)
    frequency, unseen = frequencies(prepared)
    return assemble(m, u, prior, frequency, unseen, trained_on)


def _patterns(
    gammas: npt.NDArray[np.int64], vetoed: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.int64], Floats, npt.NDArray[np.bool_]]:
    """Distinct rows of levels with their counts."""
    rows, inverse = np.unique(np.column_stack([gammas, vetoed.astype(gammas.dtype)]), axis=0, return_inverse=True)
    counts = np.bincount(inverse.ravel(), minlength=len(rows)).astype(np.float64)
    return rows[:, :-1].astype(np.int64), counts, rows[:, -1].astype(bool)


def _level_shares(settings: dict[str, Any], key: str) -> list[Floats]:
    return [
        np.array([level[key] for level in levels_of(comparison)], dtype=np.float64)
        for comparison in settings["comparisons"]
    ]


def _expectation_maximisation(
    patterns: npt.NDArray[np.int64], counts: Floats, vetoed: npt.NDArray[np.bool_], u: list[Floats], iterations: int
) -> tuple[list[Floats], float]:
    """m per comparison and level, and the share of matches among the pairs; u stays as it is."""
    # gamma counts down: the most alike level has the highest number, 0 is "different", -1 unknown
    onehot = [
        np.stack([patterns[:, i] == len(levels) - 1 - level for level in range(len(levels))], axis=1).astype(np.float64)
        for i, levels in enumerate(u)
    ]
    m = [np.array([0.9 if i == 0 else 0.1 / (len(levels) - 1) for i in range(len(levels))]) for levels in u]
    share, match = 0.5, np.zeros(len(counts))
    for _ in range(iterations):
        log_odds = np.log(share / (1 - share)) + sum(
            hot @ (np.log(of_match) - np.log(of_other)) for hot, of_match, of_other in zip(onehot, m, u, strict=True)
        )
        after = np.where(vetoed, 0.0, 1 / (1 + np.exp(-np.clip(log_odds, -500, 500))))
        moved, match = float(np.abs(after - match).max()), after
        m = [_shares(hot, counts * match) for hot in onehot]
        share = float(np.clip((counts * match).sum() / counts.sum(), 1e-6, 1 - 1e-6))
        if moved < 1e-6:
            break
    return m, share


def _shares(onehot: Floats, weight: Floats) -> Floats:
    """Share of each level among rows where the comparison is known, with half a row added to every level."""
    totals = weight @ onehot + 0.5
    return np.asarray(totals / totals.sum())


def from_labels(
    prepared: pl.DataFrame,
    scored: pl.DataFrame,
    is_match: pl.Series,
    prior: float,
    trained_on: str,
    least_share: float = 0.0,
) -> Model:
    """A model from pairs whose truth is known, as it is for generated people; `scored` and `is_match` row by row."""
    weight = is_match.to_numpy().astype(np.float64)
    m = []
    for name, comparison in zip(_NAMES, COMPARISONS, strict=True):
        size = len(levels_of(comparison))
        gamma = scored[f"gamma_{name}"].to_numpy()
        m.append(
            _shares(np.stack([gamma == size - 1 - level for level in range(size)], axis=1).astype(np.float64), weight)
        )
    frequency, unseen = frequencies(prepared, least_share)
    return assemble(
        m, [np.clip(u, FLOOR, None) for u in chance_agreement(prepared)], prior, frequency, unseen, trained_on
    )


def assemble(
    m: list[Floats],
    u: list[Floats],
    prior: float,
    frequency: dict[str, dict[str, float]],
    unseen: dict[str, float],
    trained_on: str,
) -> Model:
    """A model of these numbers, rounded so that it reads and stores the same everywhere."""
    settings = settings_template(float(f"{min(max(prior, 1e-9), 0.5):.4g}"))
    for comparison, of_match, of_other in zip(settings["comparisons"], m, u, strict=True):
        for level, m_share, u_share in zip(levels_of(comparison), of_match, of_other, strict=True):
            level["m_probability"] = float(f"{max(m_share, FLOOR):.4g}")
            level["u_probability"] = float(f"{max(u_share, FLOOR):.4g}")
    return Model(settings, frequency, unseen, trained_on)


def untrained() -> Model:
    """A model to begin with: agreement is frequent within a person, by guess."""
    m, u = [], []
    for comparison in COMPARISONS:
        size = len(levels_of(comparison))
        agree = np.array([0.9 if i == 0 else 0.1 / (size - 1) for i in range(size)])
        m.append(agree)
        u.append(agree[::-1].copy())
    return assemble(m, u, 1e-4, {column: {} for column in TERM_COLUMNS}, dict.fromkeys(TERM_COLUMNS, 0.001), "nothing")
