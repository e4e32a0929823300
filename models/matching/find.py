"""The probabilistic tier as two pure functions: which clusters are one person, and how groups of more than two hold
together.

Belongs here: putting blocking, scoring, vetoes and average linkage together. Does not belong here: any of them, and any
storage.

Incremental equals full: a pair's weight follows from its two records and the stored model; which pairs are compared
follows from the records' keys, and keys left out because too many share them are handed on from night to night
(`excluded`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from models.matching.blocking import block_keys, candidates, whole_rules
from models.matching.group import LOWEST, average_linkage
from models.matching.model import COMPARISONS, Model, level_labels, read_model
from models.matching.record import prepare
from models.matching.score import score
from models.matching.veto import BIRTH, GIVEN, HOUSEHOLD, NAME_ONLY, at_least, cannot_link_reasons, veto_reasons
from models.settings.matching import Matching

Ints = npt.NDArray[np.int64]
_NAMES = [comparison["output_column_name"] for comparison in COMPARISONS]
LINK_SCHEMA = pa.schema(
    [
        ("cluster_a", pa.int64()),
        ("cluster_b", pa.int64()),
        ("match_weight", pa.float64()),
        ("match_probability", pa.float64()),
        ("status", pa.string()),
        ("rule", pa.string()),
        ("evidence", pa.string()),
        ("veto_reason", pa.string()),
    ]
)


@dataclass(frozen=True)
class MatchResult:
    """What the tier found.

    `links`: `cluster_a` < `cluster_b`, `match_weight` (log2 of the odds), `match_probability`, `status` (`link`,
    `review` or `vetoed`), `rule` (the blocking rule that found the pair), `evidence` (JSON: comparison → level and
    weight, no values), `veto_reason`; sorted; only pairs of at least `review_weight`. `replaced`: clusters whose links
    these replace whole. `excluded`: keys too common to compare by (`rule`, `key_hash`, `record_count`), to be handed to
    the next call. `messages`: what was left out.
    """

    links: pa.Table
    replaced: pa.Array
    excluded: pa.Table
    messages: list[str]


def fingerprint(settings: Matching) -> str:
    """Hash of the model and the code of the tier: when it changes, every link is found anew (`changed=None`)."""
    digest = hashlib.sha256(read_model(settings.model).to_json().encode())
    for file in sorted(files("models.matching").iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".py"):
            digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def find_links(
    records: pa.Table,
    settings: Matching,
    changed: pa.Array | None,
    cannot_link: pa.Table,
    excluded: pa.Table | None = None,
) -> MatchResult:
    """Pairs of clusters that are one person, may be, or would be but for a veto.

    `records`: one row per cluster, all of them (`record.INPUT`). `changed`: clusters that are new or changed since the
    last call; None: everything. `cannot_link`: `cluster_a`, `cluster_b` of a person's decisions "different".
    `excluded`: that of the last call.

    Deleting the old links of `replaced` and of clusters that are gone, and adding the new ones, ends in the same table
    as one call with `changed=None`; the order of rows changes nothing.
    """
    model = read_model(settings.model)
    prepared = prepare(records)
    reach = None
    if changed is not None:
        known = prepared["cluster_id"]
        reach = _reached(prepared, pl.Series(changed.to_pylist(), dtype=pl.Int64), settings, excluded)
        reach = known.filter(known.is_in(reach.implode()))
    found = candidates(prepared, settings.block_size_limit, settings.comparison_limit, reach)
    scored = score_pairs(prepared, found.pairs, model, settings, settings.review_weight)
    told = _pairs(cannot_link)
    reasons = veto_reasons(scored, prepared, settings)
    decided = cannot_link_reasons(scored, told)
    weighed = scored.with_columns(veto_reason=pl.coalesce(decided, reasons)).join(
        found.pairs, on=["left", "right"], how="left", maintain_order="left"
    )
    links = weighed.select(
        cluster_a="left",
        cluster_b="right",
        match_weight=pl.col("match_weight").round(4),
        match_probability=(1 / (1 + (-pl.col("match_weight") * np.log(2.0)).exp())).round(6),
        status=pl.when(pl.col("veto_reason").is_not_null())
        .then(pl.lit("vetoed"))
        .when(pl.col("match_weight") >= settings.link_weight)
        .then(pl.lit("link"))
        .otherwise(pl.lit("review")),
        rule="rule",
        evidence=_evidence(weighed),
        veto_reason="veto_reason",
    ).sort("cluster_a", "cluster_b")
    replaced = prepared["cluster_id"] if reach is None else reach
    return MatchResult(
        links.to_arrow().cast(LINK_SCHEMA),
        pa.array(replaced.sort().to_list(), pa.int64()),
        found.excluded.to_arrow(),
        found.messages,
    )


def weigh_pairs(records: pa.Table, pairs: Sequence[tuple[int, int]], settings: Matching) -> list[dict[str, Any]]:
    """What the tier thinks of some pairs of clusters, whether or not a blocking rule proposes them; likeliest first.

    `records`: at least their rows (`record.INPUT`). Each is `left`, `right`, `match_weight`, `veto_reason` and `evidence` (JSON
    as in `MatchResult.links`).
    """
    prepared = prepare(records)
    wanted = pl.DataFrame(pairs, schema={"left": pl.Int64, "right": pl.Int64}, orient="row")
    scored = score_pairs(prepared, wanted, read_model(settings.model), settings)
    told = scored.with_columns(veto_reason=veto_reasons(scored, prepared, settings), evidence=_evidence(scored))
    return (
        told.select("left", "right", pl.col("match_weight").round(4), "veto_reason", "evidence")
        .sort(["match_weight", "left", "right"], descending=[True, False, False])
        .to_dicts()
    )


def score_pairs(
    prepared: pl.DataFrame, pairs: pl.DataFrame, model: Model, settings: Matching, least: float | None = None
) -> pl.DataFrame:
    """`score` with the threads and memory of `settings`."""
    return score(prepared, pairs, model, settings.threads, f"{settings.memory_limit_megabytes}MB", least)


def _pairs(cannot_link: pa.Table) -> pl.DataFrame:
    frame = pl.from_arrow(cannot_link.select(["cluster_a", "cluster_b"]))
    assert isinstance(frame, pl.DataFrame)
    return frame.select(
        left=pl.min_horizontal("cluster_a", "cluster_b").cast(pl.Int64),
        right=pl.max_horizontal("cluster_a", "cluster_b").cast(pl.Int64),
    ).unique()


def _reached(prepared: pl.DataFrame, changed: pl.Series, settings: Matching, before: pa.Table | None) -> pl.Series:
    """`changed` and the members of every block that is now compared and was not, or the reverse."""
    old = pl.from_arrow(before) if before is not None else None
    now = candidates(prepared, settings.block_size_limit, settings.comparison_limit, changed.clear()).excluded
    schema = {"rule": pl.String, "key_hash": pl.UInt64}
    then = old.select("rule", "key_hash").cast(schema) if isinstance(old, pl.DataFrame) else pl.DataFrame(schema=schema)  # type: ignore[arg-type]
    crossed = pl.concat(
        [
            now.select("rule", "key_hash").join(then, on=["rule", "key_hash"], how="anti"),
            then.join(now.select("rule", "key_hash"), on=["rule", "key_hash"], how="anti"),
        ]
    )
    if crossed.is_empty():
        return changed
    keys = block_keys(prepared)
    rules = whole_rules(crossed)
    single = keys.join(crossed.select("key_hash"), on="key_hash", how="semi")
    whole = keys.filter(pl.col("rule").is_in(rules))
    return pl.concat([changed, single["cluster_id"], whole["cluster_id"]]).unique()


def _evidence(scored: pl.DataFrame) -> pl.Series:
    """JSON per pair: the comparisons that are known, with the name of their level and their weight."""
    labels = level_labels()
    columns = {name: (scored[f"gamma_{name}"].to_list(), scored[f"mw_{name}"].to_list()) for name in _NAMES}
    texts = []
    for at in range(scored.height):
        texts.append(
            json.dumps(
                {
                    name: {"level": labels[name][gamma[at]], "weight": round(weight[at], 2)}
                    for name, (gamma, weight) in columns.items()
                    if gamma[at] >= 0
                }
            )
        )
    return pl.Series("evidence", texts, dtype=pl.String)


def group_clusters(links: pa.Table, records: pa.Table, settings: Matching, cannot_link: pa.Table) -> pa.Table:
    """Groups of clusters that are one person: `cluster_id`, `group` (the smallest cluster id in it), sorted by
    `cluster_id`.

    `links`: status `link` of whole components, as `find_links` gave them (other rows are passed over). `records`: at
    least the clusters in them. Inside a component, all pairs are weighed, and groups join by average linkage while the
    mean weight of their pairs is at least `link_weight`; a veto or a decision between two members keeps their groups
    apart.
    """
    frame = pl.from_arrow(links)
    assert isinstance(frame, pl.DataFrame)
    edges = (
        frame.filter(pl.col("status") == "link")
        .select(left="cluster_a", right="cluster_b", match_weight="match_weight")
        .unique(["left", "right"])
        .sort("left", "right")
    )
    ids = pl.concat([edges["left"], edges["right"]]).unique().sort()
    group = ids.to_numpy().copy()
    if len(ids) == 0:
        return pa.table({"cluster_id": pa.array([], pa.int64()), "group": pa.array([], pa.int64())})
    position = pl.DataFrame({"id": ids, "at": np.arange(len(ids))})
    left, right = (
        edges.join(position, left_on=side, right_on="id", how="left", maintain_order="left")["at"].to_numpy()
        for side in ("left", "right")
    )
    component = _components(len(ids), left, right, edges["match_weight"].to_numpy(), settings.component_limit)
    sizes = np.bincount(component)
    members = np.flatnonzero(sizes[component] > 2)
    pairs = _pairs_within(members, component)
    told = _pairs(cannot_link)
    apart, weight = _weigh(ids, pairs, records, settings, told)
    # Two linked clusters alone are one person, unless a person said otherwise after the link was found.
    both = np.flatnonzero((sizes[component[left]] == 2) & (component[left] == component[right]))
    refused = set(told.iter_rows())
    for edge in both:
        a, b = int(ids[int(left[edge])]), int(ids[int(right[edge])])
        if (a, b) not in refused:
            group[right[edge]] = group[left[edge]] = min(a, b)
    _group_large(group, ids.to_numpy(), members, component, pairs, apart, weight, settings.link_weight)
    return pa.table({"cluster_id": pa.array(ids.to_numpy(), pa.int64()), "group": pa.array(group, pa.int64())})


def _components(count: int, left: Ints, right: Ints, weight: npt.NDArray[np.float64], limit: int) -> Ints:
    """Connected components; one of more than `limit` members is taken apart at the weakest links, one bit at a time."""
    use = np.ones(len(left), dtype=bool)
    cut = float(weight.min(initial=0.0))
    while True:
        graph = coo_array((np.ones(int(use.sum()), dtype=np.int8), (left[use], right[use])), shape=(count, count))
        component: Ints = connected_components(graph, directed=False)[1].astype(np.int64)
        large = np.bincount(component) > limit
        if not large.any():
            return component
        cut += 1.0
        use &= ~(large[component[left]] & (weight < cut))


def _pairs_within(members: Ints, component: Ints) -> tuple[Ints, Ints]:
    """All pairs (positions, first < second) inside the components of `members`."""
    order = members[np.argsort(component[members], kind="stable")]
    bounds = np.flatnonzero(np.diff(component[order])) + 1
    lefts, rights = [], []
    for part in np.split(order, bounds) if len(order) else []:
        first, second = np.triu_indices(len(part), 1)
        lefts.append(part[first])
        rights.append(part[second])
    if not lefts:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    return np.concatenate(lefts), np.concatenate(rights)


def _weigh(
    ids: pl.Series, pairs: tuple[Ints, Ints], records: pa.Table, settings: Matching, told: pl.DataFrame
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.float64]]:
    """Whether each pair must stay apart, and its weight; in the order of `pairs`."""
    if not len(pairs[0]):
        return np.zeros(0, dtype=bool), np.zeros(0)
    numbers = ids.to_numpy()
    wanted = pl.DataFrame({"left": numbers[pairs[0]], "right": numbers[pairs[1]]})
    frame = pl.from_arrow(records)
    assert isinstance(frame, pl.DataFrame)
    used = pl.concat([wanted["left"], wanted["right"]]).unique()
    prepared = prepare(frame.filter(pl.col("cluster_id").is_in(used.implode())).to_arrow())
    model = read_model(settings.model)
    scored = score_pairs(prepared, wanted, model, settings)
    scored = scored.with_columns(veto_reason=veto_reasons(scored, prepared, settings))
    lifted = lifted_vetoes(scored, settings.link_weight)
    scored = scored.with_columns(
        # No name, or nothing but the household, is no proof of two people once other pairs speak for one.
        is_apart=pl.col("veto_reason").is_not_null() & ~pl.col("veto_reason").is_in([HOUSEHOLD, NAME_ONLY]) & ~lifted,
        match_weight=pl.when(pl.col("veto_reason").is_not_null()).then(LOWEST).otherwise("match_weight"),
    )
    scored = wanted.join(scored, on=["left", "right"], how="left", maintain_order="left").with_columns(
        is_apart=pl.col("is_apart") | cannot_link_reasons(wanted, told).is_not_null()
    )
    return scored["is_apart"].to_numpy(), scored["match_weight"].to_numpy()


def lifted_vetoes(scored: pl.DataFrame, link_weight: float) -> pl.Series:
    """Whether a veto between two records is lifted by a third: one that carries the number of the one, and the name and
    birth date of the other, each with a link. `scored` has `veto_reason`.
    """
    linked = scored.filter(pl.col("veto_reason").is_null() & (pl.col("match_weight") >= link_weight))
    turned = linked.rename({"left": "right", "right": "left"}).select(linked.columns)
    either = pl.concat([linked, turned])
    by_number = either.filter(at_least("number", "number but for one mistake")).select(a="left", c="right")
    by_name = either.filter(
        at_least("given", "given name alike") & at_least("birth_date", "birth date but for one mistake")
    ).select(b="left", c="right")
    lifted = (
        by_number.join(by_name, on="c")
        .filter(pl.col("a") != pl.col("b"))
        .select(left=pl.min_horizontal("a", "b"), right=pl.max_horizontal("a", "b"), is_lifted=pl.lit(True))
        .unique()
    )
    return (
        scored.select("left", "right", "veto_reason")
        .join(lifted, on=["left", "right"], how="left", maintain_order="left")
        .select((pl.col("is_lifted").fill_null(False) & pl.col("veto_reason").is_in([GIVEN, BIRTH])).fill_null(False))
        .to_series()
    )


def _group_large(
    group: Ints,
    ids: Ints,
    members: Ints,
    component: Ints,
    pairs: tuple[Ints, Ints],
    apart: npt.NDArray[np.bool_],
    weight: npt.NDArray[np.float64],
    link_weight: float,
) -> None:
    """Average linkage in every component of more than two, written into `group`."""
    if not len(members):
        return
    order = members[np.argsort(component[members], kind="stable")]
    parts = np.split(order, np.flatnonzero(np.diff(component[order])) + 1)
    start = 0
    for part in parts:
        size = len(part)
        count = size * (size - 1) // 2
        here = slice(start, start + count)
        start += count
        first, second = np.triu_indices(size, 1)
        found = average_linkage(size, first, second, weight[here], apart[here], link_weight)
        group[part] = ids[part[found]]
