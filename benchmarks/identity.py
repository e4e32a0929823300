"""`make bench-identity`: how well people are told apart, on labelled data, beside Splink with its own defaults in the
same run.

Usage: python -m benchmarks.identity --data FOLDER [--only febrl3,census] [--demo CUSTOMERS]

FOLDER holds what `identity_data.py` wrote. Each data set is deduplicated as one table; febrl4 is two files without
duplicates that are linked, as it is meant: the row of a file is to us a number that no person has twice, and Splink gets two
tables (`link_only`, as in its example for febrl4). Three ways:

- `stored`: models.matching with the stored model (trained on generated people) and the default settings;
- `trained`: models.matching with a model trained on the same records without labels; link weight and vetoes are
  chosen;
- `splink`: Splink's comparison library and blocking as in its own examples, EM training, plain connected components
  of pairs of 0.95 and more, the value of its examples; `splink, chosen` with the threshold chosen.

Chosen means: on one half of the people (by a hash of the person's id), by pairwise F1 among those whose precision is
at least 0.995 there, or by F1 alone where none is; of what is within a standard error of the best, the most cautious.
All figures are of the other half. A pair of records
from both halves (never one person) belongs to one of them by a hash, so that wrong links across count and what is
chosen on and what is reported share no pair. CPU and memory are of a process that does one way from records to groups,
choosing not counted.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from benchmarks.measure import measured
from models.configuration import load_configuration
from models.matching import find_links, group_clusters
from models.matching.blocking import candidates
from models.matching.find import score_pairs
from models.matching.model import Model
from models.matching.record import prepare
from models.matching.train import chance_agreement, estimate, fit, untrained
from models.matching.veto import veto_reasons
from models.normalise import normalise_identifiers
from models.normalise.date import date_digits, parse_date
from models.normalise.name import split_full_name
from models.settings.matching import Matching

STARTED = time.monotonic()
NO_DECISIONS = pa.table({"cluster_a": pa.array([], pa.int64()), "cluster_b": pa.array([], pa.int64())})
PRECISION_WANTED = 0.995
LINK_WEIGHTS = (-8.0, -6.0, -4.0, -2.0, 0.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0)
# Which vetoes hold is chosen too: febrl's generator replaces first names and birth dates at random; in a household those are
# two people.
VETOES: tuple[dict[str, Any], ...] = (
    {"vetoes": ["unique_number", "birth_date", "first_name"], "birth_date_mistakes": 1},
    {"vetoes": ["unique_number", "birth_date", "first_name"], "birth_date_mistakes": 2},
    {"vetoes": ["unique_number"], "birth_date_mistakes": 2},
)
THRESHOLDS = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999)


@dataclass(frozen=True)
class Task:
    """A labelled data set: the files it is made of, the kind that says how its columns are read, and whether it is two files
    without duplicates.
    """

    name: str
    files: tuple[str, ...]
    kind: str
    is_linked: bool = False


TASKS = (
    Task("febrl1", ("febrl1",), "febrl"),
    Task("febrl2", ("febrl2",), "febrl"),
    Task("febrl3", ("febrl3",), "febrl"),
    Task("febrl4", ("febrl4",), "febrl", is_linked=True),
    Task("pseudopeople census 2020+2030", ("pseudopeople_census_2020", "pseudopeople_census_2030"), "pseudopeople"),
    Task(
        "pseudopeople, other noise",
        ("pseudopeople_census_2020_again", "pseudopeople_census_2030_again"),
        "pseudopeople",
    ),
    Task(
        "pseudopeople five registers",
        tuple(f"pseudopeople_{name}" for name in ("census_2020", "census_2030", "acs", "cps", "wic")),
        "pseudopeople",
    ),
)
# Formats of dates as the sources write them; WIC has no separators.
DATE_FORMATS = {"febrl": "%Y%m%d", "pseudopeople": "%m/%d/%Y", "pseudopeople_wic": "%m%d%Y"}


def raw_records(task: Task, folder: Path) -> pl.DataFrame:
    """The rows of a task as text, with `cluster_id` (row number), `entity`, `birth_iso` and `birth_text`."""
    parts = []
    for file in task.files:
        pattern = DATE_FORMATS.get(file, DATE_FORMATS[task.kind])
        part = pl.read_parquet(folder / f"{file}.parquet")
        texts = part["date_of_birth"].to_list()
        parts.append(
            part.with_columns(
                birth_iso=pl.Series([parse_date(v, [pattern]) if v else None for v in texts], dtype=pl.Date),
                birth_text=pl.Series([date_digits(v, pattern) if v else None for v in texts], dtype=pl.String),
            )
        )
    rows = pl.concat(parts, how="diagonal")
    entity = pl.col("rec_id").str.extract(r"rec-(\d+)-") if task.kind == "febrl" else pl.col("simulant_id")
    return (
        rows.with_columns(entity=entity).with_row_index("cluster_id").with_columns(pl.col("cluster_id").cast(pl.Int64))
    )


def records_of(task: Task, rows: pl.DataFrame) -> pa.Table:
    """The rows as `find_links` takes them: every row its own cluster."""

    def listed(name: str) -> pl.Expr:
        return pl.when(pl.col(name).is_not_null()).then(pl.concat_list(name))

    def address(**parts: str | None) -> pl.Expr:
        return pl.concat_list(
            pl.struct(
                **{
                    key: pl.lit(None, dtype=pl.String) if value is None else pl.col(value)
                    for key, value in parts.items()
                }
            )
        )

    dates = {"birth_dates": listed("birth_iso"), "birth_texts": listed("birth_text")}
    if task.kind == "febrl":
        own = pl.concat_list(file_of(task) + pl.lit(":") + pl.col("rec_id")) if task.is_linked else pl.lit(None)
        return rows.with_columns(land=pl.lit("AU")).select(
            "cluster_id", unique_values=own.cast(pl.List(pl.String)), given_names=listed("given_name"),
            family_names=listed("surname"), numbers=listed("soc_sec_id"),
            addresses=address(
                street="address_1", house_number="street_number", postal_code="postcode", city="suburb", country="land"
            ),
            **dates,
        ).to_arrow()  # fmt: skip
    full = pl.concat_str("first_name", "middle_initial", separator=" ", ignore_nulls=True)
    return rows.with_columns(land=pl.lit("US"), both=pl.when(pl.col("first_name").is_not_null()).then(full)).select(
        "cluster_id", given_names=listed("both"), family_names=listed("last_name"), genders=listed("sex"),
        addresses=address(street="street_name", house_number="street_number", postal_code="zipcode", city="city", country="land"),
        **dates,
    ).to_arrow()  # fmt: skip


def file_of(task: Task) -> pl.Expr:
    """Which of the two files of febrl4 a row is of: originals or those made of them. It says nothing about who is who."""
    if not task.is_linked:
        return pl.lit("one")
    return pl.when(pl.col("rec_id").str.ends_with("-org")).then(pl.lit("first")).otherwise(pl.lit("second"))


def first_half(entity: pl.Series) -> pl.Series:
    """Whether a person is of the half that parameters are chosen on: by a hash of the id, the same for all that is
    theirs.
    """
    return pl.Series([hashlib.md5(str(value).encode()).digest()[0] % 2 == 0 for value in entity.to_list()])


def judge(group: pl.Series, entity: pl.Series, judged: pl.Series) -> dict[str, float]:
    """Pairwise precision, recall and F1, and B³ (Bagga and Baldwin, 1998), of groups against entities, for the `judged` records.

    Pairs of two judged records count, and of the pairs with one judged record (never one person, the halves divide people) those
    that a hash gives to the judged half: what is chosen on and what is reported share no pair.
    """
    table = pl.DataFrame({"group": group, "entity": entity, "judged": judged}).with_row_index("at")
    inside = table.filter("judged")
    both, inner, true = (_pair_count(inside, *by) for by in (("group", "entity"), ("group",), ("entity",)))
    several = table.filter(pl.len().over("group") > 1).select("at", "group", "judged")
    crossing = several.filter("judged").join(several.filter(~pl.col("judged")), on="group", suffix="_other")
    first, second = pl.min_horizontal("at", "at_other"), pl.max_horizontal("at", "at_other")
    # The half of the lower row decides with the sum: symmetrical in the halves, and about one in two for each.
    low_is_judged = pl.col("at") < pl.col("at_other")
    ours = crossing.filter(low_is_judged == ((first + second) % 2 == 0)).height
    counted = table.with_columns(
        both=pl.len().over("group", "entity"), in_group=pl.len().over("group"), of_entity=pl.len().over("entity")
    ).filter("judged")
    b_precision = float(counted.select((pl.col("both") / pl.col("in_group")).mean()).item())
    b_recall = float(counted.select((pl.col("both") / pl.col("of_entity")).mean()).item())
    precision, recall = both / max(inner + ours, 1), both / max(true, 1)
    return {
        "precision": precision, "recall": recall, "f1": harmonic(precision, recall),
        "b3_precision": b_precision, "b3_recall": b_recall, "b3_f1": harmonic(b_precision, b_recall),
    }  # fmt: skip


def _pair_count(table: pl.DataFrame, *by: str) -> int:
    """How many pairs of rows agree in `by`."""
    sizes = table.group_by(*by).agg(rows=pl.len().cast(pl.Int64))["rows"]
    return int((sizes * (sizes - 1) // 2).sum())


def harmonic(one: float, other: float) -> float:
    """Harmonic mean; 0 when both are."""
    return 2 * one * other / (one + other) if one + other else 0.0


def default_settings() -> Matching:
    """The default configuration's."""
    return load_configuration(None).identity.matching


def groups(records: pa.Table, settings: Matching) -> pl.Series:
    """The group of every record, in order of `cluster_id`."""
    links = find_links(records, settings, None, NO_DECISIONS).links
    return spread(group_clusters(links, records, settings, NO_DECISIONS), records.num_rows)


def spread(grouped: pa.Table, count: int) -> pl.Series:
    """Group per record 0 to count-1, where a record that is in no link is its own."""
    found = np.arange(count)
    found[grouped["cluster_id"].to_numpy()] = grouped["group"].to_numpy()
    return pl.Series(found)


def best(tried: list[tuple[Any, dict[str, float]]], pair_count: int, caution: Callable[[Any], Any]) -> Any:
    """The most cautious of the trials whose F1 is within a standard error of the best among those precise enough.

    One half tells neighbouring link weights apart no better than that (the one-standard-error rule of Breiman and others,
    1984; the error is that of a share among `pair_count` pairs).
    """
    precise = [trial for trial in tried if trial[1]["precision"] >= PRECISION_WANTED] or tried
    highest = max(figures["f1"] for _, figures in precise)
    error = (highest * (1 - highest) / max(pair_count, 1)) ** 0.5
    return max((trial for trial, figures in precise if figures["f1"] >= highest - error), key=caution)


def write_model(model: Model, folder: Path, name: str) -> Path:
    """`model` as a file that settings can name."""
    path = folder / f"{name}.json"
    path.write_text(model.to_json(), encoding="utf-8")
    return path


def choose(records: pa.Table, entity: pl.Series, chosen_on: pl.Series, folder: Path) -> tuple[Matching, str]:
    """Vetoes and link weight by the first half, with a model trained on all records without labels.

    Link weights are tried from the highest down, until two in a row are no longer precise enough; lower ones are less so.
    """
    tried: list[tuple[Any, dict[str, float]]] = []
    prepared = prepare(records)
    plain = default_settings()
    pairs = candidates(prepared, plain.block_size_limit, plain.comparison_limit).pairs
    # The levels of the pairs are the same for all: `fit` by its parts, so that they are found once.
    levels = score_pairs(prepared, pairs, untrained(), plain)
    by_chance = chance_agreement(prepared)
    for number, vetoes in enumerate(VETOES):
        settings = plain.model_copy(update=vetoes)
        vetoed = veto_reasons(levels, prepared, settings).is_not_null()
        model = estimate(prepared, levels, vetoed, "unlabelled", by_chance=by_chance)
        settings = settings.model_copy(update={"model": write_model(model, folder, f"model{number}")})
        scored = score_pairs(prepared, pairs, model, settings, min(LINK_WEIGHTS))
        links = scored.filter(veto_reasons(scored, prepared, settings).is_null()).select(
            cluster_a="left", cluster_b="right", match_weight=pl.col("match_weight").round(4), status=pl.lit("link")
        )
        imprecise = 0
        for weight in sorted(LINK_WEIGHTS, reverse=True):
            usable = links.filter(pl.col("match_weight") >= weight).sort("cluster_a", "cluster_b").to_arrow()
            trial = settings.model_copy(update={"link_weight": weight, "review_weight": weight})
            found = spread(group_clusters(usable, records, trial, NO_DECISIONS), records.num_rows)
            figures = judge(found, entity, chosen_on)
            tried.append((trial, figures))
            imprecise = imprecise + 1 if figures["precision"] < PRECISION_WANTED else 0
            if imprecise == 2:
                break
        reached = max(figures["f1"] for _, figures in tried)
        progress(
            f"vetoes {number + 1} of {len(VETOES)}: F1 up to {reached:.4f} on the first half, {len(tried)} trials so far"
        )
    true_pairs = _pair_count(pl.DataFrame({"entity": entity}).filter(chosen_on), "entity")
    settings = best(tried, true_pairs, lambda trial: (len(trial.vetoes), -trial.birth_date_mistakes, trial.link_weight))
    names = ",".join(settings.vetoes)
    return settings, f"weight {settings.link_weight:g}, vetoes {names}, {settings.birth_date_mistakes} mistakes"


def run_stored(name: str, folder: str, answer: str) -> None:
    """One way from records to groups with the stored model."""
    records, _ = load(name, folder)
    groups(records, default_settings()).to_frame("group").write_parquet(answer)


def run_trained(name: str, folder: str, answer: str, settings: str) -> None:
    """One way from records to groups, training included."""
    records, _ = load(name, folder)
    chosen = Matching.model_validate_json(settings)
    with tempfile.TemporaryDirectory() as place:
        path = write_model(fit(records, chosen, "unlabelled"), Path(place), "model")
        groups(records, chosen.model_copy(update={"model": path})).to_frame("group").write_parquet(answer)


def run_splink_company(root: str, answer: str) -> None:
    """Splink's defaults on the demo company's party records."""
    splink_company(Path(root)).write_parquet(answer)


def run_splink(name: str, folder: str, answer: str) -> None:
    """Splink's defaults: predictions of all pairs it compares, written with their probability."""
    task = next(task for task in TASKS if task.name == name)
    splink_pairs(task, raw_records(task, Path(folder))).write_parquet(answer)


def splink_pairs(task: Task, rows: pl.DataFrame) -> pl.DataFrame:
    """`left`, `right`, `match_probability` by Splink as its own examples for such data do it (deduplicating febrl3; a
    census).
    """
    import splink.comparison_library as cl
    from splink import block_on

    form = "%Y%m%d" if task.kind == "febrl" else "%Y-%m-%d"
    if task.kind == "febrl":
        data = rows.select(
            "cluster_id", "given_name", "surname", "street_number", "postcode", "soc_sec_id", dob="date_of_birth"
        )
        comparisons = [
            cl.NameComparison("given_name"),
            cl.NameComparison("surname"),
            cl.DateOfBirthComparison("dob", input_is_string=True, datetime_format=form, invalid_dates_as_null=True),
            cl.DamerauLevenshteinAtThresholds("soc_sec_id", [1, 2]),
            cl.ExactMatch("street_number").configure(term_frequency_adjustments=True),
            cl.ExactMatch("postcode").configure(term_frequency_adjustments=True),
        ]
        rules = [block_on(x) for x in ("soc_sec_id", "given_name", "surname", "dob", "postcode")]
        certain = [block_on("soc_sec_id"), block_on("given_name", "surname", "dob")]
        sessions = [block_on("dob"), block_on("given_name", "surname")]
    else:
        data = rows.select(
            "cluster_id", "street_name", "street_number", "zipcode", "sex", "middle_initial",
            given_name="first_name", surname="last_name", dob=pl.col("birth_iso").cast(pl.String),
        )  # fmt: skip
        comparisons = [
            cl.ForenameSurnameComparison("given_name", "surname"),
            cl.DateOfBirthComparison("dob", input_is_string=True, datetime_format=form, invalid_dates_as_null=True),
            cl.ExactMatch("middle_initial"),
            cl.JaroWinklerAtThresholds("street_name"),
            cl.ExactMatch("street_number").configure(term_frequency_adjustments=True),
            cl.ExactMatch("sex"),
        ]
        rules = [
            block_on("given_name", "surname"), block_on("dob", "given_name"), block_on("dob", "surname"),
            block_on("street_number", "street_name"), block_on("dob"),
        ]  # fmt: skip
        certain = [block_on("given_name", "surname", "dob")]
        sessions = [block_on("dob"), block_on("given_name", "surname")]
    marked = data.join(rows.select("cluster_id", file=file_of(task)), on="cluster_id", maintain_order="left")
    files = marked.partition_by("file", include_key=False)
    return predicted_pairs(files, comparisons, rules, certain, sessions)


def splink_company(root: Path) -> pl.DataFrame:
    """The same of the party records of the demo company's release: names, e-mail, telephone, postal code, customer number, as
    Splink's library compares such columns; values in our normal forms, full names taken apart as we do.
    """
    import splink.comparison_library as cl
    from splink import block_on

    rules = [
        block_on("email"), block_on("phone"), block_on("customer_number"), block_on("given_name", "surname"),
        block_on("postal_code", "surname"),
    ]  # fmt: skip
    return predicted_pairs(
        [company_records(root).drop("customer_id", "person_id")],
        [
            cl.NameComparison("given_name"),
            cl.NameComparison("surname"),
            cl.EmailComparison("email"),
            cl.ExactMatch("phone"),
            cl.ExactMatch("postal_code").configure(term_frequency_adjustments=True),
            cl.ExactMatch("customer_number"),
        ],
        rules,
        [block_on("email"), block_on("customer_number")],
        [block_on("email"), block_on("given_name", "surname")],
    )


def predicted_pairs(
    files: list[pl.DataFrame], comparisons: list[Any], rules: list[Any], certain: list[Any], sessions: list[Any]
) -> pl.DataFrame:
    """`left`, `right`, `match_probability` by Splink, trained as in its examples; several files are linked, one deduplicated."""
    from splink import DuckDBAPI, Linker, SettingsCreator

    settings = SettingsCreator(
        link_type="link_only" if len(files) > 1 else "dedupe_only", comparisons=comparisons,
        blocking_rules_to_generate_predictions=rules,
        unique_id_column_name="cluster_id",
    )  # fmt: skip
    api = DuckDBAPI()
    linker = Linker([api.register(file.to_arrow()) for file in files], settings, log_level=40)
    linker.training.estimate_probability_two_random_records_match(certain, recall=0.7)
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6, seed=1)
    for session in sessions:
        linker.training.estimate_parameters_using_expectation_maximisation(session)
    predicted = linker.inference.predict(threshold_match_probability=min(THRESHOLDS)).as_duckdbpyrelation()
    found: pl.DataFrame = predicted.select('cluster_id_l as "left", cluster_id_r as "right", match_probability').pl()
    return found


def plain_components(pairs: pl.DataFrame, threshold: float, count: int) -> pl.Series:
    """Connected components of the pairs of at least `threshold`."""
    used = pairs.filter(pl.col("match_probability") >= threshold)
    graph = coo_array((np.ones(used.height), (used["left"].to_numpy(), used["right"].to_numpy())), shape=(count, count))
    return pl.Series(connected_components(graph, directed=False)[1])


def load(name: str, folder: str) -> tuple[pa.Table, pl.Series]:
    """Records and entities of a task."""
    task = next(task for task in TASKS if task.name == name)
    rows = raw_records(task, Path(folder))
    return records_of(task, rows), rows["entity"]


def run_task(task: Task, folder: Path) -> list[dict[str, Any]]:
    """All ways on one data set: figures on the half that nothing was chosen on."""
    records, entity = load(task.name, str(folder))
    chosen_on = first_half(entity)
    judged = ~chosen_on
    results: list[dict[str, Any]] = []

    def add(way: str, found: pl.Series, cost: Any, note: str) -> None:
        results.append(
            {"data": task.name, "records": records.num_rows, "way": way, **judge(found, entity, judged),
             "cpu_seconds": cost.cpu_seconds, "megabytes": cost.peak_megabytes, "note": note}
        )  # fmt: skip

    with tempfile.TemporaryDirectory() as place:
        answer = str(Path(place) / "answer.parquet")
        progress("stored model")
        cost = measured("benchmarks.identity:run_stored", task.name, str(folder), answer)
        add("stored", pl.read_parquet(answer)["group"], cost, "defaults")
        settings, note = choose(records, entity, chosen_on, Path(place))
        plain = settings.model_copy(update={"model": None}).model_dump_json()
        progress(f"trained model, {note}")
        cost = measured("benchmarks.identity:run_trained", task.name, str(folder), answer, plain)
        add("trained", pl.read_parquet(answer)["group"], cost, note)
        progress("Splink's defaults")
        cost = measured("benchmarks.identity:run_splink", task.name, str(folder), answer)
        pairs = pl.read_parquet(answer)
    count = records.num_rows
    add("splink", plain_components(pairs, 0.95, count), cost, "probability 0.95")
    tried = [(t, judge(plain_components(pairs, t, count), entity, chosen_on)) for t in THRESHOLDS]
    true_pairs = _pair_count(pl.DataFrame({"entity": entity}).filter(chosen_on), "entity")
    threshold = best(tried, true_pairs, lambda trial: trial)
    add("splink, chosen", plain_components(pairs, threshold, count), cost, f"probability {threshold:g}")
    return results


def demo_company(customers: int) -> list[dict[str, Any]]:
    """The night itself on the demo company: identifiers of one person under one customer, no household under one.

    An identifier that belongs to several people (a landline, a mailbox) names none of them and is left out of the
    truth.
    """
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        tool = [sys.executable, "-m", "pipelines.cli"]
        subprocess.run(
            [*tool, "generate", "--customers", str(customers), "--nights", "1", "--out", str(root)],
            check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        subprocess.run(
            [*tool, "run", "--exports", str(root / "exports"), "--warehouse", str(root / "warehouse")],
            check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        return [judge_company(root), *judge_records(root)]


def company_records(root: Path) -> pl.DataFrame:
    """Party records of people, each of one person whom the truth knows: `cluster_id` (row number), `customer_id`, `person_id`,
    and what they can be compared by.
    """
    import duckdb

    with duckdb.connect(str(root / "warehouse" / "current" / "customer360.duckdb"), read_only=True) as release:
        records = release.sql(
            "select party_record_id, customer_id, identifiers, full_name, given_name, family_name, postal_code, country "
            "from party_record where party_type = 'person' order by party_record_id"
        ).pl()
    named = (
        records.select("party_record_id", "country", "identifiers")
        .explode("identifiers")
        .unnest("identifiers")
        .select("party_record_id", "country", identifier_type="type", raw_value="value")
        .drop_nulls("raw_value")
    )
    distinct = named.select("identifier_type", "raw_value", "country").unique(maintain_order=True)
    values = pl.from_arrow(normalise_identifiers(distinct.to_arrow(), [], []))
    assert isinstance(values, pl.DataFrame)
    named = named.join(values, on=["identifier_type", "raw_value", "country"], nulls_equal=True).drop_nulls(
        "identifier_value"
    )
    truth = pl.read_parquet(root / "truth" / "identifier.parquet").filter(~pl.col("is_shared"))
    owner = (
        named.join(truth, on=["identifier_type", "identifier_value"])
        .group_by("party_record_id")
        .agg(pl.col("person_id").unique())
        .filter(pl.col("person_id").list.len() == 1)
        .with_columns(pl.col("person_id").list.first())
    )
    one_each = [
        named.filter(pl.col("identifier_type") == kind)
        .group_by("party_record_id")
        .agg(pl.col("identifier_value").min().alias(kind))
        for kind in ("email", "phone", "customer_number")
    ]
    rows = records.join(owner, on="party_record_id").sort("party_record_id")
    for column in one_each:
        rows = rows.join(column, on="party_record_id", how="left", maintain_order="left")
    split = [split_full_name(full or "") for full in rows["full_name"].to_list()]
    return (
        rows.with_columns(
            given_name=pl.coalesce("given_name", pl.Series([given or None for given, _ in split], dtype=pl.String)),
            surname=pl.coalesce("family_name", pl.Series([family or None for _, family in split], dtype=pl.String)),
        )
        .select(
            "customer_id", "person_id", "given_name", "surname", "email", "phone", "customer_number", "postal_code"
        )
        .with_row_index("cluster_id")
        .with_columns(pl.col("cluster_id").cast(pl.Int64))
    )  # fmt: skip


def judge_records(root: Path) -> list[dict[str, Any]]:
    """The night and Splink's defaults, both on the party records alone; of the half of the people that nothing was chosen on."""
    records = company_records(root)
    chosen_on = first_half(records["person_id"])
    with tempfile.TemporaryDirectory() as place:
        answer = str(Path(place) / "answer.parquet")
        progress("Splink's defaults on the demo company's records")
        cost = measured("benchmarks.identity:run_splink_company", str(root), answer)
        pairs = pl.read_parquet(answer)
    tried = [
        (t, judge(plain_components(pairs, t, records.height), records["person_id"], chosen_on)) for t in THRESHOLDS
    ]
    threshold = best(tried, _pair_count(records.filter(chosen_on), "person_id"), lambda trial: trial)
    ours = records["customer_id"].rank("dense").cast(pl.Int64)
    ways = [
        ("the night", ours, None, None, "defaults"),
        ("splink", plain_components(pairs, 0.95, records.height), cost.cpu_seconds, cost.peak_megabytes, "probability 0.95"),
        ("splink, chosen", plain_components(pairs, threshold, records.height), cost.cpu_seconds, cost.peak_megabytes,
         f"probability {threshold:g}"),
    ]  # fmt: skip
    return [
        {"data": "demo company, party records", "records": records.height, "way": way,
         **judge(found, records["person_id"], ~chosen_on), "cpu_seconds": cpu, "megabytes": megabytes, "note": note}
        for way, found, cpu, megabytes, note in ways
    ]  # fmt: skip


def judge_company(root: Path) -> dict[str, Any]:
    """Figures of the current release of `root`/warehouse against `root`/truth."""
    import duckdb

    truth = pl.read_parquet(root / "truth" / "identifier.parquet").filter(~pl.col("is_shared"))
    household = pl.read_parquet(root / "truth" / "household.parquet").select("person_id", "household_id")
    with duckdb.connect(str(root / "warehouse" / "current" / "customer360.duckdb"), read_only=True) as release:
        found = release.sql(
            "select distinct identifier_type, identifier_value, customer_id from customer_identifier"
        ).pl()
    both = truth.join(found, on=["identifier_type", "identifier_value"]).with_columns(
        pl.col("customer_id").rank("dense").cast(pl.Int64)
    )
    everything = pl.Series([True] * both.height)
    merged = (
        both.join(household, on="person_id")
        .group_by("customer_id", "household_id")
        .agg(pl.col("person_id").n_unique().alias("people"))
        .filter(pl.col("people") > 1)
    )
    return {
        "data": "demo company", "records": both.height, "way": "the night",
        **judge(both["customer_id"], both["person_id"], everything),
        "cpu_seconds": None, "megabytes": None,
        "note": f"{truth.height - both.height} identifiers not found, {merged.height} households merged",
    }  # fmt: skip


def progress(text: str) -> None:
    """Say on standard error what is done now, and since when the benchmark runs."""
    print(f"  {time.monotonic() - STARTED:5.0f} s  {text}", file=sys.stderr, flush=True)


def show(result: dict[str, Any]) -> str:
    """One line."""
    figures = [f"{result[name]:.4f}" for name in ("precision", "recall", "f1", "b3_precision", "b3_recall", "b3_f1")]
    return (
        f"{result['data'][:30]:30} {result['records']:6,} {result['way']:15} "
        + " ".join(figures)
        # What a night spends on it is no figure of this part.
        + (
            f" {result['cpu_seconds']:6.1f} {result['megabytes']:5.0f}"
            if result["cpu_seconds"] is not None
            else " " * 13
        )
        + f"  {result['note']}"
    )


def main() -> None:
    """Run the data sets that are there and print one line per way."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, help="folder that identity_data.py wrote")
    parser.add_argument("--only", default="", help="parts of data set names, separated by commas")
    parser.add_argument("--demo", type=int, default=2000, help="customers of the demo company; 0 leaves it out")
    parser.add_argument("--json", type=Path, help="also write all figures here")
    arguments = parser.parse_args()
    wanted = [part for part in arguments.only.split(",") if part]
    heads = " ".join(f"{name:>6}" for name in ("P", "R", "F1", "B3 P", "B3 R", "B3 F1", "CPU s"))
    print(f"{'data':30} {'rows':>6} {'way':15} {heads} {'MB':>5}  settings")
    results: list[dict[str, Any]] = []
    jobs: list[tuple[str, Callable[[], list[dict[str, Any]]]]] = []
    if arguments.data:
        for task in TASKS:
            if not wanted or any(part in task.name for part in wanted):
                jobs.append((task.name, lambda task=task: run_task(task, arguments.data)))  # type: ignore[misc]
    if arguments.demo:
        jobs.append(("demo company", lambda: demo_company(arguments.demo)))
    for number, (name, job) in enumerate(jobs, 1):
        progress(f"[{number}/{len(jobs)}] {name}")
        for result in job():
            results.append(result)
            print(show(result), flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
