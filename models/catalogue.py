"""The catalogue of touchpoint types (`touchpoint_types.csv`) and the codes the spine uses instead of names.

Not here: what a journey is (configuration), how a source's word becomes a type (the source's mapping SELECT).
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # not at run time: whoever looks up a type does not wait for it
    import pyarrow as pa

UNMAPPED = "unmapped"
UNKNOWN_CHANNEL = "unknown"


@dataclass(frozen=True)
class TouchpointType:
    """One type. `code` is its row in the catalogue (0 = unmapped); `sort_rank` orders types that share a moment."""

    code: int
    touchpoint_type: str
    channel: str
    journey_phase: str
    category: str
    direction: str
    medium: str
    control: str
    character: str
    journey_family: str
    label_en: str
    label_nl: str
    label_da: str

    @property
    def sort_rank(self) -> int:
        """Rank for ties in time: the catalogue stands in the order in which things happen; unmapped comes last."""
        return self.code if self.code else 9999


# What a source could not name still is a touchpoint: it counts, but no journey definition names it.
_UNMAPPED = TouchpointType(
    0, UNMAPPED, UNKNOWN_CHANNEL, "any", "interaction", "inbound", "online", "owned", "functional", "none",
    "Not mapped", "Niet toegewezen", "Ikke tilordnet",
)  # fmt: skip


@cache
def load_catalogue() -> dict[str, TouchpointType]:
    """All types by name, `unmapped` first, then in catalogue order."""
    with (Path(__file__).parent / "touchpoint_types.csv").open(encoding="utf-8", newline="") as handle:
        rows = [TouchpointType(code, **row) for code, row in enumerate(csv.DictReader(handle), start=1)]
    return {row.touchpoint_type: row for row in [_UNMAPPED, *rows]}


@cache
def channels() -> dict[str, int]:
    """Channel name → code: 0 is unknown, the others in order of first appearance in the catalogue."""
    names = dict.fromkeys(row.channel for row in load_catalogue().values())
    return {name: code for code, name in enumerate(names)}


def catalogue_values(reference: str) -> tuple[str, ...]:
    """Values that `columns.yaml` refers to as `catalogue.<attribute>`, in catalogue order.

    Raises ValueError for a reference that is no attribute of a touchpoint type.
    """
    prefix, _, attribute = reference.partition(".")
    if prefix != "catalogue" or attribute not in TouchpointType.__dataclass_fields__:
        raise ValueError(f"values: {reference!r} is not catalogue.<attribute of touchpoint_types.csv>.")
    return tuple(dict.fromkeys(str(getattr(row, attribute)) for row in load_catalogue().values()))


def touchpoint_type_table() -> pa.Table:
    """The configuration table `touchpoint_type`: one row per type with code, attributes, rank and labels."""
    import pyarrow as pa

    rows = load_catalogue().values()
    text = [
        "touchpoint_type", "channel", "journey_phase", "category", "direction", "medium", "control", "character",
        "journey_family", "label_en", "label_nl", "label_da",
    ]  # fmt: skip
    columns: dict[str, pa.Array] = {
        "touchpoint_type_code": pa.array([row.code for row in rows], pa.int16()),
        "sort_rank": pa.array([row.sort_rank for row in rows], pa.int16()),
    }
    columns.update({name: _strings(getattr(row, name) for row in rows) for name in text})
    order = ["touchpoint_type_code", *text[:9], "sort_rank", *text[9:]]
    return pa.table({name: columns[name] for name in order})


def channel_table() -> pa.Table:
    """The configuration table `channel`: one row per channel with the code the spine uses."""
    import pyarrow as pa

    return pa.table(
        {
            "channel_code": pa.array(channels().values(), pa.int16()),
            "channel": _strings(channels()),
        }
    )


def _strings(values: Iterable[str]) -> pa.Array:
    import pyarrow as pa

    return pa.array(list(values), pa.string())
