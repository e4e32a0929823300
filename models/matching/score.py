"""Match weights of candidate pairs, by Splink on DuckDB.

Belongs here: handing pairs and a stored model to Splink and reading weights and levels. Does not belong here: what the
levels are (`model.py`), what a weight leads to (`decide.py`).
"""

from __future__ import annotations

import logging
from typing import Any

import duckdb
import polars as pl

from models.matching.model import COMPARISONS, LEAST_FREQUENCY, TERM_COLUMNS, Model

# Pairs scored at a time: bounds memory, about 400 bytes a pair with all its columns.
CHUNK = 500_000
_COLUMNS = [comparison["output_column_name"] for comparison in COMPARISONS]


def score(
    prepared: pl.DataFrame,
    pairs: pl.DataFrame,
    model: Model,
    threads: int = 2,
    memory_limit: str = "1GB",
    least: float | None = None,
) -> pl.DataFrame:
    """`pairs` (`left`, `right`) with `match_weight` (log2, float), and per comparison `gamma_<name>` and `mw_<name>`.

    With `least`, only pairs of at least that weight. Sorted by `left`, `right`. A pair's weight follows from its two records
    and the model: term frequencies are the model's.
    """
    empty: dict[str, Any] = {"left": pl.Int64, "right": pl.Int64, "match_weight": pl.Float64}
    empty |= {f"gamma_{name}": pl.Int32 for name in _COLUMNS} | {f"mw_{name}": pl.Float64 for name in _COLUMNS}
    parts = []
    for start in range(0, pairs.height, CHUNK):
        chunk = pairs[start : start + CHUNK].select("left", "right")
        parts.append(
            _score_chunk(prepared, chunk, model, threads, memory_limit, least)
            .select(list(empty))
            .cast(pl.Schema(empty))
        )
    return pl.concat(parts).sort("left", "right") if parts else pl.DataFrame(schema=empty)


def connection(threads: int, memory_limit: str) -> duckdb.DuckDBPyConnection:
    """An in-memory database of its own."""
    return duckdb.connect(config={"threads": threads, "memory_limit": memory_limit})


def _score_chunk(
    prepared: pl.DataFrame, pairs: pl.DataFrame, model: Model, threads: int, memory: str, least: float | None
) -> pl.DataFrame:
    # Splink is heavy to import and only nights with candidates need it.
    from splink import DuckDBAPI

    touched = pl.concat([pairs["left"], pairs["right"]]).unique()
    records = prepared.filter(pl.col("cluster_id").is_in(touched.implode()))
    with connection(threads, memory) as database:
        api = DuckDBAPI(connection=database)
        linker = quiet_linker(api, records, model.splink)
        for column in TERM_COLUMNS:
            lookup = api.register(frequency_lookup(records, column, model).to_arrow())
            linker.table_management.register_term_frequency_lookup(lookup, column)
        blocked = pairs.select(match_key=pl.lit("0"), join_key_l=pl.col("left"), join_key_r=pl.col("right")).to_arrow()
        linker.table_management.register_blocked_pairs_for_predict(api.register(blocked))
        predicted = linker.inference.predict(threshold_match_weight=least, warning_mode="never").as_duckdbpyrelation()
        columns = [f"gamma_{name}" for name in _COLUMNS] + [f"mw_{name}" for name in _COLUMNS]
        sums = [
            f"mw_{name} + mw_tf_adj_{name} as mw_{name}" if name in TERM_COLUMNS else f"mw_{name}" for name in _COLUMNS
        ]
        selected = predicted.select(
            ", ".join(
                ["cluster_id_l as left", "cluster_id_r as right", "match_weight", *columns[: len(_COLUMNS)], *sums]
            )
            .replace(" as left", ' as "left"')
            .replace(" as right", ' as "right"')
        )
        result: pl.DataFrame = selected.pl()
    return result


def quiet_linker(api: Any, records: pl.DataFrame, settings: dict[str, Any]) -> Any:
    """A Splink linker over `records` that does not write to the log."""
    from splink import Linker

    logging.getLogger("splink").setLevel(logging.ERROR)
    table = api.register(records.to_arrow())
    return Linker(table, settings, log_level=logging.ERROR, validate_settings=False)


def frequency_lookup(records: pl.DataFrame, column: str, model: Model) -> pl.DataFrame:
    """Distinct values of `column` with their stored share (`tf_<column>`)."""
    known = model.frequency[column]
    unseen = max(model.unseen[column], LEAST_FREQUENCY)
    values = records[column].drop_nulls().unique().sort()
    return pl.DataFrame({column: values, f"tf_{column}": [known.get(value, unseen) for value in values.to_list()]})
