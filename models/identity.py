"""Who is who, deterministically: identifiers that occur together in one record belong to one person.

Belongs here: guards and connected components as pure functions on integer-coded tables. Does not belong here: how values are
normalised (`models/normalise.py`), where evidence is stored, and which customers a night has to redo.

Everything here depends on the whole evidence only, never on the order in which it arrived: a night-by-night build and a
full rebuild give the same ids.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

MISSING_TIME = np.iinfo(np.int64).max
ID_MASK = (1 << 62) - 1


@dataclass(frozen=True)
class TypeRule:
    """How one identifier type may link.

    `strength`: lower is stronger (decides which identifier names a record's customer when none may link).
    `limits`: other type -> how many distinct values of it one value of this type may meet before it is only an attribute.
    """

    strength: int
    limits: tuple[tuple[str, int], ...] = ()


def resolve(identifiers: pa.Table, pairs: pa.Table, rules: dict[str, TypeRule]) -> pa.Table:
    """Assign every identifier to a customer.

    `identifiers`: `identifier_code` int32 (0..n-1, each once), `identifier_type`, `is_blocked` bool, `first_seen_at`
    timestamp[us] (may be NULL), `first_record_id` int64 (the record that first showed it; ties by lowest id).
    `pairs`: `left_code`, `right_code` int32, distinct, of identifiers that one record carries together.
    `rules`: for every identifier type that occurs.

    Returns `identifier_code`, `customer_id` int64, `is_guarded` bool, `guard_reason` string or NULL; one row per identifier.

    A guarded identifier (blocked value, or over a limit) links nothing; it keeps a customer of its own for records that
    carry nothing better. `customer_id` is the id of the component's earliest record (time, then lowest id; records without
    time last): opaque, and unchanged by anything that arrives later with a later time. Components by
    scipy.sparse.csgraph.connected_components (Pearce, 2005), linear in identifiers and pairs.
    """
    frame = pl.from_arrow(identifiers)
    assert isinstance(frame, pl.DataFrame)
    frame = frame.sort("identifier_code")
    count = frame.height
    if not np.array_equal(frame["identifier_code"].to_numpy(), np.arange(count)):
        raise ValueError("identifier codes must be 0 to n-1 without gaps")
    left: npt.NDArray[np.int64] = pairs["left_code"].to_numpy().astype(np.int64)
    right: npt.NDArray[np.int64] = pairs["right_code"].to_numpy().astype(np.int64)
    reasons = guard_reasons(frame, left, right, rules)
    guarded = np.array([reason is not None for reason in reasons], dtype=bool)

    open_pair = ~(guarded[left] | guarded[right]) if left.size else np.zeros(0, dtype=bool)
    graph = coo_array(
        (np.ones(int(open_pair.sum()), dtype=np.int8), (left[open_pair], right[open_pair])), shape=(count, count)
    )
    component = connected_components(graph, directed=False)[1] if count else np.zeros(0, dtype=np.int32)

    seen_at = frame["first_seen_at"].cast(pl.Int64).fill_null(MISSING_TIME).to_numpy()
    record: npt.NDArray[np.int64] = frame["first_record_id"].to_numpy().astype(np.int64)
    order = np.lexsort((record, seen_at, component))
    sorted_component = component[order]
    first = np.ones(count, dtype=bool)
    first[1:] = sorted_component[1:] != sorted_component[:-1]
    anchor = np.zeros(int(component.max()) + 1 if count else 0, dtype=np.int64)
    anchor[sorted_component[first]] = record[order][first]
    customer = anchor[component] if count else np.zeros(0, dtype=np.int64)
    # A guarded identifier may share its first record with somebody's anchor; its own id must still be another.
    type_offset = {name: guarded_offset(name) for name in frame["identifier_type"].unique().to_list()}
    offsets = np.array([type_offset[name] for name in frame["identifier_type"].to_list()], dtype=np.int64)
    customer = np.where(guarded, customer ^ offsets, customer)
    return pa.table(
        {
            "identifier_code": pa.array(np.arange(count, dtype=np.int32)),
            "customer_id": pa.array(customer, pa.int64()),
            "is_guarded": pa.array(guarded),
            "guard_reason": pa.array(reasons, pa.string()),
        }
    )


def guard_reasons(
    frame: pl.DataFrame, left: npt.NDArray[np.int64], right: npt.NDArray[np.int64], rules: dict[str, TypeRule]
) -> list[str | None]:
    """Why an identifier must not link, per identifier in code order; None when it may."""
    types = frame["identifier_type"].to_list()
    reasons: list[str | None] = ["blocked value" if blocked else None for blocked in frame["is_blocked"].to_list()]
    limited = {name: dict(rules[name].limits) for name in set(types) if rules[name].limits}
    if not limited or not left.size:
        return reasons
    type_column = frame["identifier_type"]
    ends = pl.concat(
        [
            pl.DataFrame({"code": left, "other": right}),
            pl.DataFrame({"code": right, "other": left}),
        ]
    ).with_columns(
        code_type=type_column.gather(pl.Series(np.concatenate([left, right]))),
        other_type=type_column.gather(pl.Series(np.concatenate([right, left]))),
        other_blocked=frame["is_blocked"].gather(pl.Series(np.concatenate([right, left]))),
    )
    met = (
        ends.filter(pl.col("code_type").is_in(list(limited)) & ~pl.col("other_blocked"))
        .group_by("code", "code_type", "other_type")
        .agg(pl.col("other").n_unique().alias("met"))
        .sort("code", "other_type")
    )
    for code, code_type, other_type, count in met.iter_rows():
        limit = limited[code_type].get(other_type)
        if limit is not None and count > limit and reasons[code] is None:
            reasons[code] = f"met {other_type} more than {limit} time(s)"
    return reasons


def guarded_offset(identifier_type: str) -> int:
    """A fixed 62-bit number per identifier type, that keeps a guarded identifier's customer id apart from its anchor's."""
    return int.from_bytes(hashlib.md5(identifier_type.encode()).digest()[:8], "big") & ID_MASK
