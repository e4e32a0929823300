"""Who is who, deterministically: identifiers that occur together in one record belong to one person, unless that cannot be.

Belongs here: limits on shared identifiers, connected components, and the constrained union of components that hold what no
person can have twice; all pure functions on integer-coded tables. Does not belong here: how values are normalised
(`models/normalise.py`), likeness of names and addresses (`models/matching.py`), where evidence is stored, and which customers a
night has to redo.

Everything here depends on the evidence only, never on the order in which it arrived, and each component by itself: so a night
may resolve the components it reaches and ends where a rebuild of everything would.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

MISSING_TIME = np.iinfo(np.int64).max
MICROSECONDS_PER_DAY = 86_400_000_000
# What says that two identifiers belong together, strongest first; a pair's `rule_rank` is the place in this list.
LINK_RULES = ("decision", "system_link", "digest", "record")
DECISION, SYSTEM_LINK, DIGEST, RECORD = range(len(LINK_RULES))

Numbers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class TypeRule:
    """How one identifier type may link.

    `strength`: lower is stronger: the stronger identifiers of a conflict are joined first, and name a record's customer.
    `limits`: other type -> how many distinct values of it one value of this type may meet before it is only an attribute;
    `window_days`: within how many days (None: ever).
    `is_unique`: no person has two values of it. `is_device`: several people may use it, one after another: when it meets people
    who cannot be one, it joins nobody and each of its sessions belongs to whom that session names.
    """

    strength: int
    limits: tuple[tuple[str, int], ...] = ()
    is_unique: bool = False
    window_days: int | None = None
    is_device: bool = False


@dataclass(frozen=True)
class Resolution:
    """What `resolve` found.

    `assignment`: one row per identifier in code order: `identifier_code` int32, `component_code` int32 (the smallest code it is
    connected to; itself when guarded), `anchor_record_id` int64, `anchor_tag` int64 (both name the cluster, see `resolve`),
    `anchor_seen_at` int64 (microseconds since 1970, MISSING_TIME for none), `is_ambiguous` bool.
    `refused`: `left_code`, `right_code` int32, `reason` string: pairs that were not joined.
    """

    assignment: pa.Table
    refused: pa.Table


def limit_reason(rule: TypeRule, other_type: str, limit: int) -> str:
    """The words in which a guard on a shared identifier is logged."""
    within = f" within {rule.window_days} days" if rule.window_days else ""
    return f"shared: more than {limit} {other_type}{within}"


def exceeds(other: Numbers, seen_at: Numbers, limit: int, window_days: int | None) -> bool:
    """Whether one identifier meets more than `limit` distinct others within some window of `window_days`.

    `other` and `seen_at` (microseconds; MISSING_TIME for unknown) have one element per meeting. The window is inclusive; a
    meeting without time counts in every window.
    """
    if window_days is None:
        return len(np.unique(other)) > limit
    timeless = set(other[seen_at == MISSING_TIME].tolist())
    timed = (seen_at != MISSING_TIME) & ~np.isin(other, list(timeless))
    order = np.argsort(seen_at[timed], kind="stable")
    others, times = other[timed][order].tolist(), seen_at[timed][order].tolist()
    inside: dict[int, int] = {}
    start = 0
    if len(timeless) > limit:
        return True
    for at, value in enumerate(others):
        inside[value] = inside.get(value, 0) + 1
        while times[at] - times[start] > window_days * MICROSECONDS_PER_DAY:
            left = others[start]
            inside[left] -= 1
            if not inside[left]:
                del inside[left]
            start += 1
        if len(inside) + len(timeless) > limit:
            return True
    return False


def resolve(identifiers: pa.Table, pairs: pa.Table, rules: dict[str, TypeRule], apart: pa.Table) -> Resolution:
    """Join identifiers to clusters, each of one person as far as the evidence goes.

    `identifiers`: `identifier_code` int32 (0..n-1, in order), `identifier_type`, `identifier_key` int64 (a number of type and
    value: the order in which ties are broken), `is_guarded` bool (links nothing), `first_seen_at` timestamp[us] (may be NULL),
    `first_record_id` int64 (the record that first showed it; ties by lowest id).
    `pairs`: `left_code`, `right_code` int32, distinct, `rule_rank` (place in LINK_RULES), `record_count` (how many records).
    `rules`: for every identifier type that occurs. `apart`: `left_code`, `right_code` int32 that a person declared different.

    Components by scipy.sparse.csgraph.connected_components (Pearce, 2005), linear in identifiers and pairs. A component that
    holds two values of a unique type, or two identifiers declared different, is joined again pair by pair (Kruskal, 1956, with
    cannot-link constraints after Wagstaff and Cardie, 2000): decisions first, then links of systems, digests, and pairs by the
    strength of their weaker end, the stronger end, and the number of records; a pair whose union would break a constraint is
    refused. A decision joins the people of its two identifiers with all that each of them has, so what else joins is tested as if
    they were two; a system's own link joins two values of that unique type; nothing joins what a decision keeps apart.
    A device (`is_device`) that ends between clusters is ambiguous and links nothing at all.

    A cluster is named by its earliest record (time, then lowest id; records without time last) and a tag: 0, unless a stronger
    identifier of another cluster has the same first record, or the identifier is guarded or ambiguous: then its key.
    """
    frame = pl.from_arrow(identifiers)
    assert isinstance(frame, pl.DataFrame)
    count = frame.height
    if not np.array_equal(frame["identifier_code"].to_numpy(), np.arange(count)):
        raise ValueError("identifier codes must be 0 to n-1 in order, without gaps")
    types = sorted(frame["identifier_type"].unique().cast(pl.String).to_list())
    type_code = frame["identifier_type"].cast(pl.Enum(types)).to_physical().cast(pl.Int64).to_numpy()
    key: Numbers = frame["identifier_key"].to_numpy()
    guarded: Flags = frame["is_guarded"].to_numpy().astype(bool)
    left: Numbers = pairs["left_code"].to_numpy().astype(np.int64)
    right: Numbers = pairs["right_code"].to_numpy().astype(np.int64)
    open_pair = ~(guarded[left] | guarded[right])
    left, right = left[open_pair], right[open_pair]

    component = components(left, right, count)
    cluster = component.copy()
    ambiguous = np.zeros(count, dtype=bool)
    away = np.column_stack([apart["left_code"].to_numpy(), apart["right_code"].to_numpy()]).astype(np.int64)
    conflicted = conflicted_components(component, type_code, types, rules, guarded, away)
    refused: list[tuple[int, int, str]] = []
    if conflicted.any():
        inside = np.flatnonzero(conflicted[component])
        mine = conflicted[component[left]]
        strength = np.array([rules[name].strength for name in types], dtype=np.int64)[type_code]
        edges = pl.DataFrame(
            {
                "left": left[mine],
                "right": right[mine],
                "rank": pairs["rule_rank"].to_numpy().astype(np.int64)[open_pair][mine],
                "weaker": np.maximum(strength[left[mine]], strength[right[mine]]),
                "stronger": np.minimum(strength[left[mine]], strength[right[mine]]),
                "records": -pairs["record_count"].to_numpy().astype(np.int64)[open_pair][mine],
                "low": np.minimum(key[left[mine]], key[right[mine]]),
                "high": np.maximum(key[left[mine]], key[right[mine]]),
            }
        ).sort("rank", "weaker", "stronger", "records", "low", "high")
        union = ConstrainedUnion(inside, type_code, types, rules, away)
        union.join(edges["left"].to_numpy(), edges["right"].to_numpy(), edges["rank"].to_numpy())
        # Cluster labels of the parts need only differ from each other and from those of components.
        cluster[inside] = count + union.labels()
        ambiguous[list(union.ambiguous)] = True
        refused = union.refused()
    alone = guarded | ambiguous
    return Resolution(
        named(frame, component, cluster, alone, ambiguous, key, type_code, types, rules), _refused_table(refused)
    )


def components(left: Numbers, right: Numbers, count: int) -> Numbers:
    """Smallest code of each code's connected component."""
    if not count:
        return np.zeros(0, dtype=np.int64)
    graph = coo_array((np.ones(len(left), dtype=np.int8), (left, right)), shape=(count, count))
    label = connected_components(graph, directed=False)[1]
    # Written from the last code to the first: what stays is the smallest code of each label.
    smallest = np.zeros(int(label.max()) + 1, dtype=np.int64)
    smallest[label[::-1]] = np.arange(count)[::-1]
    found: Numbers = smallest[label]
    return found


def conflicted_components(
    component: Numbers, type_code: Numbers, types: list[str], rules: dict[str, TypeRule], guarded: Flags, away: Numbers
) -> Flags:
    """Per code: whether it names a component (its smallest code) that cannot be one person."""
    conflicted = np.zeros(len(component), dtype=bool)
    unique = np.array([rules[name].is_unique for name in types], dtype=bool)
    for number in np.flatnonzero(unique):
        holders = component[(type_code == number) & ~guarded]
        found, times = np.unique(holders, return_counts=True)
        conflicted[found[times > 1]] = True
    if len(away):
        together = component[away[:, 0]] == component[away[:, 1]]
        conflicted[component[away[together, 0]]] = True
    return conflicted


def root(parent: list[int], node: int) -> int:
    """Root of a node of a union-find forest, halving the path to it (Tarjan and van Leeuwen, 1984)."""
    while parent[node] != node:
        parent[node] = parent[parent[node]]
        node = parent[node]
    return node


class ConstrainedUnion:
    """Union-find over the identifiers of conflicted components that refuses what constraints forbid.

    A set of unique types is a bit mask per root, so a test costs one `&`; enemies (decisions) are few and kept as sets. There are
    two forests: of people (`person`), and of what is one person without the decisions `same` (`parent`), where unique values are
    tested. Otherwise a decision about two mailboxes would take one of them away from its customer number.
    """

    def __init__(
        self, inside: Numbers, type_code: Numbers, types: list[str], rules: dict[str, TypeRule], away: Numbers
    ) -> None:
        self.inside = inside
        self.place = dict(zip(inside.tolist(), range(len(inside)), strict=True))
        self.types = [name for name in types if rules[name].is_unique]
        bit = {name: 1 << number for number, name in enumerate(self.types)}
        self.own_mask = [bit.get(types[code], 0) for code in type_code[inside].tolist()]
        self.is_device = [rules[types[code]].is_device for code in type_code[inside].tolist()]
        self.away = [
            (self.place[a], self.place[b]) for a, b in away.tolist() if a in self.place and b in self.place and a != b
        ]
        self.ambiguous: set[int] = set()
        self.parent: list[int] = []
        self.person: list[int] = []
        self.edges: list[tuple[int, int, int]] = []

    def join(self, left: Numbers, right: Numbers, rank: Numbers) -> None:
        """Join along pairs in the order given, again without the devices that ended between clusters, until none does."""
        place = self.place
        self.edges = [
            (place[a], place[b], r) for a, b, r in zip(left.tolist(), right.tolist(), rank.tolist(), strict=True)
        ]
        out: set[int] = set()
        while True:
            self._join_once(out)
            between = {
                end
                for a, b, _ in self.edges
                if a not in out and b not in out and self._find(a) != self._find(b)
                for end in (a, b)
                if self.is_device[end]
            }
            if not between:
                break
            out |= between
        self.ambiguous = {int(self.inside[place]) for place in out}
        self.out = out

    def _join_once(self, out: set[int]) -> None:
        self.parent = list(range(len(self.inside)))
        has_decision = any(rank == DECISION for _, _, rank in self.edges)
        self.person = list(self.parent) if has_decision else self.parent
        self.mask = list(self.own_mask)
        self.enemies: dict[int, set[int]] = {}
        for a, b in self.away:
            self.enemies.setdefault(a, set()).add(b)
            self.enemies.setdefault(b, set()).add(a)
        for a, b, rank in self.edges:
            if a in out or b in out:
                continue
            if rank == DECISION:
                self._join_people(self._find(a), self._find(b))
                continue
            one, other = root(self.parent, a), root(self.parent, b)
            if one == other:
                continue
            common = self.mask[one] & self.mask[other]
            if rank == SYSTEM_LINK and self.own_mask[a] == self.own_mask[b]:
                common &= ~self.own_mask[a]
            people = (self._find(a), self._find(b)) if has_decision else (one, other)
            if common or not self._join_people(*people):
                continue
            self.parent[other] = one
            self.mask[one] |= self.mask[other]

    def _join_people(self, one: int, other: int) -> bool:
        """Join two roots of people; False when a decision forbids it."""
        if one == other:
            return True
        if self._are_enemies(one, other):
            return False
        self.person[other] = one
        if other in self.enemies:
            self.enemies.setdefault(one, set()).update(self.enemies.pop(other))
        return True

    def _find(self, node: int) -> int:
        return root(self.person, node)

    def _are_enemies(self, one: int, other: int) -> bool:
        mine, theirs = self.enemies.get(one), self.enemies.get(other)
        if not mine or not theirs:
            return False
        return any(self._find(enemy) == other for enemy in mine)

    def labels(self) -> Numbers:
        """Label of the cluster of each identifier inside, in their order."""
        return np.array([self._find(node) for node in range(len(self.inside))], dtype=np.int64)

    def refused(self) -> list[tuple[int, int, str]]:
        """Pairs between two clusters, with the reason; those of ambiguous devices are told by the device."""
        found = []
        for a, b, _ in self.edges:
            one, other = self._find(a), self._find(b)
            if one == other or a in self.out or b in self.out:
                continue
            common = self.mask[root(self.parent, a)] & self.mask[root(self.parent, b)]
            names = [name for number, name in enumerate(self.types) if common >> number & 1]
            decided = self._are_enemies(one, other)
            reason = "decision: different" if decided else f"two values of {', '.join(names)}"
            found.append((int(self.inside[a]), int(self.inside[b]), reason))
        return found


def named(
    frame: pl.DataFrame,
    component: Numbers,
    cluster: Numbers,
    alone: Flags,
    ambiguous: Flags,
    key: Numbers,
    type_code: Numbers,
    types: list[str],
    rules: dict[str, TypeRule],
) -> pa.Table:
    """The assignment of a Resolution: each cluster named by its earliest record and a tag."""
    count = frame.height
    seen_at: Numbers = frame["first_seen_at"].cast(pl.Int64).fill_null(MISSING_TIME).to_numpy()
    record: Numbers = frame["first_record_id"].to_numpy().astype(np.int64)
    strength = np.array([rules[name].strength for name in types], dtype=np.int64)[type_code] if count else key
    anchor = np.arange(count)
    # Most identifiers are alone in their cluster, and need no sorting.
    size = np.bincount(cluster[~alone], minlength=int(cluster.max(initial=0)) + 1)
    together = np.flatnonzero(~alone & (size[cluster] > 1))
    order = together[
        np.lexsort((key[together], strength[together], record[together], seen_at[together], cluster[together]))
    ]
    ordered = cluster[order]
    is_first = np.ones(len(order), dtype=bool)
    is_first[1:] = ordered[1:] != ordered[:-1]
    anchors = order[is_first]
    anchor[order] = np.repeat(anchors, np.diff(np.append(np.flatnonzero(is_first), len(order))))
    tag = np.where(alone, key, 0)
    # Two clusters may have one record as their first: the one with the stronger identifier in it has the record's own id.
    anchors = np.concatenate([anchors, np.flatnonzero(~alone & (size[cluster] == 1))])
    anchors = anchors[pl.Series(record[anchors]).is_duplicated().to_numpy()]
    by_record = anchors[np.lexsort((key[anchors], strength[anchors], record[anchors]))]
    again = np.zeros(len(by_record), dtype=bool)
    again[1:] = record[by_record[1:]] == record[by_record[:-1]]
    tag[by_record[again]] = key[by_record[again]]
    return pa.table(
        {
            "identifier_code": pa.array(np.arange(count, dtype=np.int32)),
            "component_code": pa.array(component.astype(np.int32)),
            "anchor_record_id": pa.array(record[anchor], pa.int64()),
            "anchor_tag": pa.array(tag[anchor], pa.int64()),
            "anchor_seen_at": pa.array(seen_at[anchor], pa.int64()),
            "is_ambiguous": pa.array(ambiguous),
        }
    )


def _refused_table(refused: list[tuple[int, int, str]]) -> pa.Table:
    return pa.table(
        {
            "left_code": pa.array([row[0] for row in refused], pa.int32()),
            "right_code": pa.array([row[1] for row in refused], pa.int32()),
            "reason": pa.array([row[2] for row in refused], pa.string()),
        }
    )
