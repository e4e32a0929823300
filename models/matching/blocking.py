"""Which pairs of records are compared at all.

Belongs here: blocking rules as keys of one record, and the limits that keep the number of pairs in hand. Does not
belong here: how alike a pair is.

A rule gives a record one or more keys; two records that share a key are a candidate pair. Keys are functions of one
record, so a changed record changes its own pairs only. A key that many records share says little and costs the square
of its number: beyond `block_size_limit` it is left out, a rule that would still make more than `comparison_limit` pairs
per record is left out whole, and both are told in a message. The keys left out are part of the result, because they
depend on all records.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

_GIVEN3, _FAMILY3 = pl.col("given_loose").str.slice(0, 3), pl.col("family_loose").str.slice(0, 3)
_BIRTH = pl.col("birth_date")
# Day and month in order of size, because they are swapped.
_MONTH_DAY = pl.concat_str(
    pl.min_horizontal(_BIRTH.str.slice(4, 2), _BIRTH.str.slice(6)),
    pl.max_horizontal(_BIRTH.str.slice(4, 2), _BIRTH.str.slice(6)),
)
_ROW = "·"

# Each rule: columns that are concatenated, of which at most one is a list. Names in alphabetical order, because they are swapped.
RULES: dict[str, tuple[str, ...]] = {
    "birth_date+given_name": ("_year", "_month_day", "_given3"),
    "birth_date+family_name": ("_year", "_month_day", "_family3"),
    "birth_month_day+name": ("_month_day", "given_loose"),
    "birth_year+name": ("_year", "_first", "_second"),
    "given_name+family_name": ("_first", "_second"),
    "address+given_name": ("doors", "_given3"),
    "place+given_name": ("places", "_given3"),
    "address+birth_year": ("doors", "_year"),
    "postal_code+birth_date": ("postal_code", "birth_date"),
    "postal_code+family_name+initial": ("postal_code", "family_loose", "initial"),
    "number": ("number",),
    "number_start+birth_year": ("_number4", "_year"),
    "number_end+birth_year": ("_number_end", "_year"),
    "address+number_start": ("doors", "_number3"),
    "address+number_end": ("doors", "_number_last"),
    "email_name": ("locals",),
    "email": ("emails",),
    "phone": ("phones",),
    "phone_end": ("_phone_end",),
    "shared+given_name": ("shared", "_given3"),
    "family_name+day": ("family_loose", "_month_day"),
    "nickname+family_name": ("given_groups", "family_loose"),
}


@dataclass(frozen=True)
class Candidates:
    """`pairs`: `left`, `right` (cluster ids, left < right), `rule` (the first that found the pair). `excluded`: `rule`,
    `key_hash` (0 for a whole rule), `record_count` of keys left out. `messages`: what was left out, in words without
    values.
    """

    pairs: pl.DataFrame
    excluded: pl.DataFrame
    messages: list[str]


def block_keys(prepared: pl.DataFrame) -> pl.DataFrame:
    """(`cluster_id`, `rule` (position in RULES), `key_hash` uint64) of every record and rule, without repeats."""
    frame = prepared.with_columns(
        _given3=_GIVEN3,
        _family3=_FAMILY3,
        _year=_BIRTH.str.slice(0, 4),
        _month_day=_MONTH_DAY,
        _first=pl.min_horizontal("given_loose", "family_loose"),
        _second=pl.when(pl.col("given_loose").is_not_null() & ~pl.col("is_initial")).then(
            pl.max_horizontal("given_loose", "family_loose")
        ),
        _number4=pl.col("number").str.slice(0, 4),
        _number_end=pl.col("number").str.slice(-4),
        # One mistake leaves the one or the other as it was.
        _number3=pl.col("number").str.slice(0, 3),
        _number_last=pl.col("number").str.slice(-3),
        _phone_end=pl.col("phones").list.eval(pl.element().str.slice(-8)),
        given_groups=pl.col("given_groups").list.eval(pl.element().cast(pl.String)),
    )
    parts = []
    for position, columns in enumerate(RULES.values()):
        lists = [name for name in columns if frame.schema[name] == pl.List(pl.String)]
        rows = frame.select("cluster_id", *columns).drop_nulls()
        for name in lists:
            rows = rows.explode(name).drop_nulls(name)
        parts.append(
            rows.select(
                "cluster_id",
                pl.lit(position, dtype=pl.UInt8).alias("rule"),
                pl.concat_str(pl.lit(str(position)), *columns, separator=_ROW).hash(360).alias("key_hash"),
            ).unique()
        )
    return pl.concat(parts)


def candidates(
    prepared: pl.DataFrame, block_size_limit: int, comparison_limit: float, reach: pl.Series | None = None
) -> Candidates:
    """Candidate pairs of `prepared` (see `record.prepare`); with `reach` (cluster ids) those that touch one of them.

    The pairs depend on the records alone, not on their order.
    """
    names = list(RULES)
    keys = block_keys(prepared)
    sizes = keys.group_by("rule", "key_hash").agg(pl.len().alias("record_count")).filter(pl.col("record_count") > 1)
    over = sizes.filter(pl.col("record_count") > block_size_limit)
    kept = sizes.filter(pl.col("record_count") <= block_size_limit)
    cost = kept.group_by("rule").agg(
        pair_count=(pl.col("record_count").cast(pl.Int64) * (pl.col("record_count").cast(pl.Int64) - 1) // 2).sum()
    )
    allowed = max(comparison_limit * prepared.height, 10_000.0)
    dropped = cost.filter(pl.col("pair_count") > allowed).sort("rule")
    messages = [
        f"matching: rule {names[rule]} would compare {pairs:,} pairs, more than {int(allowed):,}; it is left out tonight"
        for rule, pairs in dropped.select("rule", "pair_count").iter_rows()
    ]
    messages += [
        f"matching: rule {names[rule]}: {blocks:,} values shared by more than {block_size_limit:,} records left out "
        f"(the largest by {largest:,})"
        for rule, blocks, largest in over.group_by("rule")
        .agg(pl.len().alias("blocks"), pl.col("record_count").max().alias("largest"))
        .sort("rule")
        .iter_rows()
    ]
    excluded = pl.concat(
        [
            over.select("rule", "key_hash", pl.col("record_count").cast(pl.Int64)),
            dropped.select(
                "rule", pl.lit(0, dtype=pl.UInt64).alias("key_hash"), pl.col("pair_count").alias("record_count")
            ),
        ]
    ).sort("rule", "key_hash")
    usable = keys.join(kept.select("rule", "key_hash"), on=["rule", "key_hash"], how="semi").filter(
        ~pl.col("rule").is_in(dropped["rule"].implode())
    )
    left = usable if reach is None else usable.filter(pl.col("cluster_id").is_in(reach.implode()))
    # One rule after another keeps the peak at one rule's pairs; a pair belongs to the first rule that finds it.
    parts = []
    for position in range(len(names)):
        one = left.filter(pl.col("rule") == position).select("cluster_id", "key_hash")
        if one.is_empty():
            continue
        other = usable.filter(pl.col("rule") == position).select(pl.col("cluster_id").alias("other"), "key_hash")
        joined = one.join(other, on="key_hash").filter(pl.col("cluster_id") != pl.col("other"))
        if reach is None:
            joined = joined.filter(pl.col("cluster_id") < pl.col("other"))
        parts.append(
            joined.select(
                left=pl.min_horizontal("cluster_id", "other"),
                right=pl.max_horizontal("cluster_id", "other"),
                rule=pl.lit(position, dtype=pl.UInt8),
            ).unique()
        )
    empty = pl.DataFrame(schema={"left": pl.Int64, "right": pl.Int64, "rule": pl.UInt8})
    pairs = (
        pl.concat(parts).group_by("left", "right").agg(pl.col("rule").min()).sort("left", "right") if parts else empty
    )
    named = pairs.with_columns(pl.col("rule").replace_strict(dict(enumerate(names)), return_dtype=pl.String))
    return Candidates(
        named,
        excluded.with_columns(pl.col("rule").replace_strict(dict(enumerate(names)), return_dtype=pl.String)),
        messages,
    )


def whole_rules(excluded: pl.DataFrame) -> list[int]:
    """Positions of the rules that `excluded` leaves out whole."""
    names = list(RULES)
    return [
        names.index(rule)
        for rule in excluded.filter(pl.col("key_hash") == 0)["rule"].unique().to_list()
        if rule in names
    ]
