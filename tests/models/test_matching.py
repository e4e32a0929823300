"""The probabilistic tier on people small enough to see, and its laws."""

from __future__ import annotations

import datetime as dt
import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from benchmarks.identity_people import People
from models.configuration import ConfigurationError, load_configuration
from models.matching import MatchResult, find_links, fingerprint, group_clusters
from models.matching.blocking import RULES, block_keys
from models.matching.find import LINK_SCHEMA, _components
from models.matching.group import average_linkage
from models.matching.model import COMPARISONS, levels_of, read_model
from models.matching.record import INPUT, prepare
from models.matching.train import _expectation_maximisation, assemble, untrained
from models.matching.veto import BIRTH, DECISION, GIVEN, HOUSEHOLD, NAME_ONLY, UNIQUE

SETTINGS = load_configuration(None).identity.matching
NOBODY = pa.table({"cluster_a": pa.array([], pa.int64()), "cluster_b": pa.array([], pa.int64())})
HOME = {"street": "Verzonnenstraat", "house_number": "12", "postal_code": "0123 AB", "city": "Utrecht", "country": "NL"}
SCHEMA = pl.DataFrame(schema=INPUT).to_arrow().schema


def people(*rows: dict[str, Any]) -> pa.Table:
    """Records with `cluster_id` 1, 2, …; `given`, `family`, `born`, `at` (address), `email`, `phone` are one value each."""
    made = []
    for number, row in enumerate(rows, 1):
        made.append(
            {
                "cluster_id": row.get("cluster_id", number),
                "given_names": [row["given"]] if "given" in row else None,
                "family_names": [row["family"]] if "family" in row else None,
                "full_names": [row["full"]] if "full" in row else None,
                "birth_dates": [dt.date.fromisoformat(row["born"])] if "born" in row else None,
                "addresses": [row["at"]] if "at" in row else None,
                "emails": [row["email"]] if "email" in row else None,
                "phones": [row["phone"]] if "phone" in row else None,
                "shared_phones": [row["shared"]] if "shared" in row else None,
                "unique_values": row.get("unique"),
                "numbers": [row["number"]] if "number" in row else None,
            }
        )
    return pa.Table.from_pylist(made, SCHEMA)


def found(
    records: pa.Table, cannot_link: pa.Table = NOBODY, **settings: Any
) -> dict[tuple[int, int], tuple[str, str | None]]:
    """(status, veto reason) per pair."""
    result = find_links(records, SETTINGS.model_copy(update=settings), None, cannot_link)
    return {(r["cluster_a"], r["cluster_b"]): (r["status"], r["veto_reason"]) for r in result.links.to_pylist()}


ANNA = {"given": "Anna", "family": "de Vries", "born": "1980-05-16", "at": HOME}


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"full": "Vries, Anna de", "born": "1980-05-16"}, "the same name written otherwise, and the birth date"),
        ({**ANNA, "given": "Annie"}, "a nickname"),
        ({**ANNA, "given": "Ana"}, "a letter forgotten"),
        ({**ANNA, "born": "1980-05-15"}, "a digit mistyped"),
        ({**ANNA, "at": {**HOME, "street": "Verzonenstraat 12", "house_number": None}}, "number in the street, a letter less"),
        ({"given": "Anna", "family": "Jansen-de Vries", "born": "1980-05-16", "at": HOME}, "a married name"),
        ({**ANNA, "given": "de Vries", "family": "Anna"}, "swapped fields"),
        ({"given": "Anna", "family": "de Vries", "at": HOME}, "no birth date"),
    ],
)  # fmt: skip
def test_one_person_written_in_two_ways(other: dict[str, Any], why: str) -> None:
    assert found(people(ANNA, other)) == {(1, 2): ("link", None)}, why


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        # twins
        ({**ANNA, "given": "Sanne"}, GIVEN),
        # mother and daughter of one name
        ({**ANNA, "born": "2004-11-02"}, BIRTH),
        # Anna or Arie
        ({"given": "A.", "family": "de Vries", "at": HOME}, HOUSEHOLD),
        ({"given": "Anna", "family": "de Vries"}, NAME_ONLY),
        ({**ANNA, "unique": ["customer_number:2"]}, UNIQUE),
    ],
)
def test_a_household_is_not_a_person(other: dict[str, Any], reason: str) -> None:
    pairs = found(people({**ANNA, "unique": ["customer_number:1"]}, other), review_weight=-50.0)
    assert pairs[1, 2] == ("vetoed", reason)


def test_who_shares_only_an_address_is_not_even_compared() -> None:
    assert found(people(ANNA, {"given": "Bram", "family": "de Vries", "at": HOME}), review_weight=-50.0) == {}


def test_a_shared_telephone_makes_other_first_names_two_people() -> None:
    karin, karel = {"given": "Karin", "family": "Bos"}, {"given": "Karel", "family": "Smit"}
    shared = {"shared": "+31191000001"}
    assert found(people({**karin, **shared}, {**karel, **shared}), review_weight=-50.0) == {(1, 2): ("vetoed", GIVEN)}


def test_a_telephone_alike_is_a_mistake_only_where_no_address_speaks_against_it() -> None:
    astrid = {"given": "Astrid", "family": "Enevoldsen", "phone": "+4510001921"}
    other = {**astrid, "phone": "+4510001291"}
    away = {"street": "Eventyrvej", "house_number": "217", "postal_code": "0103", "city": "Aarhus", "country": "DK"}
    assert found(people({**astrid, "at": HOME}, other)) == {(1, 2): ("link", None)}
    assert found(people({**astrid, "at": HOME}, {**other, "at": away})) == {(1, 2): ("vetoed", NAME_ONLY)}


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        # called by the end of the name, and misread: with the same middle name and birth date one person
        ({"given": "Melissa J."}, {"given": "Lissa J."}, "link"),
        ({"given": "Tiffany J."}, {"given": "Hiffaby J."}, "link"),
        ({"given": "Olivia J."}, {"given": "T. J."}, "link"),
        # but not without it: twins have names alike too
        ({"given": "Tiffany"}, {"given": "Hiffaby"}, "vetoed"),
        ({"given": "Olivia J."}, {"given": "T. K."}, "vetoed"),
        # a word that stands where the name was unknown is no name
        ({"given": "Granddaughter"}, {"given": "Olivia"}, "link"),
    ],
)
def test_first_names_that_a_full_birth_date_and_a_middle_name_excuse(
    one: dict[str, Any], other: dict[str, Any], expected: str
) -> None:
    pairs = found(people({**ANNA, **one}, {**ANNA, **other}), review_weight=-50.0)
    assert pairs[1, 2][0] == expected


def test_a_date_with_day_and_month_swapped_is_compared_whatever_else_differs() -> None:
    other = {"given": "Annelies", "family": "de Vries", "born": "1980-06-05", "at": HOME}
    assert (1, 2) in found(people({**other, "born": "1980-05-06", "at": {**HOME, "street": "Kade"}}, other))


def test_a_text_that_is_no_date_may_have_two_mistakes() -> None:
    records = people(ANNA, ANNA).set_column(
        SCHEMA.get_field_index("birth_dates"),
        "birth_dates",
        pa.array([[dt.date(1980, 5, 16)], None], SCHEMA.field("birth_dates").type),
    )
    place = SCHEMA.get_field_index("birth_texts")
    for text, expected in (("19885516", ("review", None)), ("19915716", ("vetoed", BIRTH))):
        texts = pa.array([None, [text]], SCHEMA.field("birth_texts").type)
        wide = SETTINGS.model_copy(update={"review_weight": 0.0})
        made = find_links(records.set_column(place, "birth_texts", texts), wide, None, NOBODY).links.to_pylist()
        assert [(row["status"], row["veto_reason"]) for row in made] == [expected]


def test_vetoes_can_be_chosen() -> None:
    twins = people(ANNA, {**ANNA, "given": "Sanne", "number": "12345678"}, {**ANNA, "number": "12345678"})
    assert found(twins)[1, 2] == ("vetoed", GIVEN)
    assert found(twins, vetoes=["unique_number"])[1, 2][0] == "link"
    # a number of the person outweighs another first name
    assert found(twins)[2, 3] == ("link", None)


def test_a_filler_date_is_no_birth_date() -> None:
    pairs = found(people({**ANNA, "born": "1900-01-01"}, ANNA))
    assert pairs == {(1, 2): ("link", None)}


def test_the_review_band_lies_below_the_links() -> None:
    rows = people(ANNA, {**ANNA, "given": "Annie"})
    weight = find_links(rows, SETTINGS, None, NOBODY).links["match_weight"][0].as_py()
    assert found(rows, link_weight=weight + 1, review_weight=weight - 1) == {(1, 2): ("review", None)}
    assert found(rows, link_weight=weight + 2, review_weight=weight + 1) == {}


def test_evidence_names_levels_and_weights_but_no_values() -> None:
    row = find_links(people(ANNA, {**ANNA, "given": "Annie"}), SETTINGS, None, NOBODY).links.to_pylist()[0]
    evidence = json.loads(row["evidence"])
    assert evidence["given"]["level"] == "nickname or other spelling"
    assert evidence["birth_date"]["level"] == "same birth date"
    assert "email" not in evidence
    prior = read_model().splink["probability_two_random_records_match"]
    total = sum(part["weight"] for part in evidence.values()) + np.log2(prior / (1 - prior))
    assert row["match_weight"] == pytest.approx(total, abs=0.05)
    assert row["match_probability"] == pytest.approx(1 / (1 + 2 ** -row["match_weight"]), abs=1e-5)
    assert "Vries" not in row["evidence"] and "1980" not in row["evidence"]


def test_a_rare_name_weighs_more_than_a_common_one() -> None:
    def weight(family: str) -> float:
        rows = people({**ANNA, "family": family}, {**ANNA, "family": family})
        return float(find_links(rows, SETTINGS, None, NOBODY).links["match_weight"][0].as_py())

    assert weight("Zwaluwnest") > weight("Jensen") + 3


def test_a_decision_of_a_person_stands() -> None:
    rows = people(ANNA, {**ANNA, "given": "Annie"})
    told = pa.table({"cluster_a": pa.array([2], pa.int64()), "cluster_b": pa.array([1], pa.int64())})
    assert found(rows, told) == {(1, 2): ("vetoed", DECISION)}
    links = find_links(rows, SETTINGS, None, NOBODY).links
    assert group_clusters(links, rows, SETTINGS, NOBODY)["group"].to_pylist() == [1, 1]
    assert group_clusters(links, rows, SETTINGS, told)["group"].to_pylist() == [1, 2]


def test_a_group_holds_no_two_people_of_a_household() -> None:
    """A. de Vries may be Anna or Arie; with one of them, not with both."""
    rows = people(
        {"given": "Anna", "family": "Zwaluwnest", "at": HOME, "email": "anna1980x@example.org"},
        {"given": "A.", "family": "Zwaluwnest", "at": HOME, "born": "1980-05-16"},
        {"given": "Arie", "family": "Zwaluwnest", "at": HOME, "email": "arie1980x@example.org"},
    )
    edges = [
        dict(zip(LINK_SCHEMA.names, (a, b, 15.0, 1.0, "link", "", "{}", None), strict=True))
        for a, b in ((1, 2), (2, 3))
    ]
    grouped = group_clusters(pa.Table.from_pylist(edges, LINK_SCHEMA), rows, SETTINGS, NOBODY)
    group = dict(zip(grouped["cluster_id"].to_pylist(), grouped["group"].to_pylist(), strict=True))
    assert group[1] != group[3]


def test_average_linkage_by_hand() -> None:
    first, second = np.triu_indices(3, 1)
    # 0-1 and 1-2 like each other, 0-2 do not: the mean of 10 and -10 is below 4, so 2 stays alone.
    none = np.zeros(3, dtype=bool)
    weights = np.array([12.0, -10.0, 10.0])
    assert average_linkage(3, first, second, weights, none, 4.0).tolist() == [0, 0, 2]
    # at a mean of 0 the three are one
    assert average_linkage(3, first, second, weights, none, 0.0).tolist() == [0, 0, 0]
    # a pair that must stay apart does, however much the others agree
    apart = np.array([False, True, False])
    assert average_linkage(3, first, second, np.full(3, 25.0), apart, -10.0).tolist() == [0, 0, 2]


def test_a_component_beyond_the_limit_is_taken_apart_at_its_weakest_links() -> None:
    left, right = np.arange(0, 9), np.arange(1, 10)
    weight = np.array([9, 9, 9, 9, 2, 9, 9, 9, 9], dtype=np.float64)
    assert _components(10, left, right, weight, 10).max() == 0
    parts = _components(10, left, right, weight, 5)
    assert np.bincount(parts).tolist() == [5, 5]
    star = _components(2001, np.zeros(2000, dtype=np.int64), np.arange(1, 2001), np.full(2000, 12.0), 500)
    assert np.bincount(star).max() <= 500


def test_the_order_of_rows_changes_nothing() -> None:
    table, _ = People(5).make(300)
    records = pl.from_arrow(table)
    assert isinstance(records, pl.DataFrame)
    once = find_links(table, SETTINGS, None, NOBODY)
    again = find_links(records.sample(fraction=1, shuffle=True, seed=1).to_arrow(), SETTINGS, None, NOBODY)
    assert once.links.num_rows > 50
    assert once.links.equals(again.links)
    grouped = group_clusters(once.links, table, SETTINGS, NOBODY)
    mixed = once.links.take(np.random.default_rng(2).permutation(once.links.num_rows))
    shuffled = group_clusters(mixed, records.reverse().to_arrow(), SETTINGS, NOBODY)
    assert grouped.equals(shuffled)


@pytest.mark.parametrize("seed", [1, 2])
def test_nights_end_where_one_call_does(seed: int) -> None:
    """Records come, change and go over nights; blocks cross the limit both ways."""
    dice = random.Random(seed)
    settings = SETTINGS.model_copy(update={"block_size_limit": 2, "review_weight": -20.0})
    table, _ = People(seed).make(240)
    rows = {row["cluster_id"]: row for row in table.to_pylist()}
    spare = People(seed + 10).make(60)[0].to_pylist()
    held: dict[int, dict[str, Any]] = {}
    links: dict[tuple[int, int], dict[str, Any]] = {}
    excluded: pa.Table | None = None
    waiting = list(rows)
    crossed = 0
    for night in range(3):
        new = [waiting.pop() for _ in range(min(len(waiting), 90))]
        gone = dice.sample(sorted(held), min(len(held), 20))
        for number in gone:
            del held[number]
        changed = dice.sample(sorted(held), min(len(held), 10)) + new
        for number in changed:
            held[number] = {**(spare.pop() if number in held else rows[number]), "cluster_id": number}
        records = pa.Table.from_pylist(list(held.values()), table.schema)
        first = night == 0
        result = find_links(records, settings, None if first else pa.array(changed, pa.int64()), NOBODY, excluded)
        replaced, excluded = set(result.replaced.to_pylist()), result.excluded
        crossed += len(replaced - set(changed))
        kept = {pair: row for pair, row in links.items() if not set(pair) & (replaced | set(gone))}
        links = kept | {(row["cluster_a"], row["cluster_b"]): row for row in result.links.to_pylist()}
        whole = find_links(records, settings, None, NOBODY)
        assert links == {(row["cluster_a"], row["cluster_b"]): row for row in whole.links.to_pylist()}
        assert excluded.equals(whole.excluded)
    assert crossed > 0


def test_a_value_that_many_share_is_left_out_and_told() -> None:
    rows = people(*({**ANNA, "given": f"Anna{chr(97 + i)}x", "cluster_id": i + 1} for i in range(12)))
    result: MatchResult = find_links(rows, SETTINGS.model_copy(update={"block_size_limit": 5}), None, NOBODY)
    assert result.excluded.num_rows > 0
    assert any(
        "rule birth_date+given_name: 1 values shared by more than 5 records left out" in m for m in result.messages
    )
    few = find_links(rows, SETTINGS.model_copy(update={"comparison_limit": 1e-9}), None, NOBODY)
    # the floor of 10,000 pairs lets small data be compared
    assert few.links.num_rows > 0 and few.messages == []


def test_keys_depend_on_one_record_alone() -> None:
    table, _ = People(3).make(60)
    whole = block_keys(prepare(table)).sort("cluster_id", "rule", "key_hash")
    single = pl.concat([block_keys(prepare(table.slice(at, 1))) for at in range(0, 60, 7)])
    alike = whole.filter(pl.col("cluster_id").is_in(single["cluster_id"].implode()))
    assert alike.equals(single.sort("cluster_id", "rule", "key_hash"))
    assert whole["rule"].n_unique() > len(RULES) / 2


def test_texts_that_are_no_names_do_not_stop_it() -> None:
    rows = people(
        {**ANNA, "given": "x" * 1_000_000},
        {**ANNA, "given": "\x00", "family": "…"},
        {},
        ANNA,
        {**ANNA, "given": "Annie"},
    )
    assert found(rows)[4, 5] == ("link", None)
    with pytest.raises(ValueError, match="cluster_id of its own"):
        find_links(people({"cluster_id": 1}, {"cluster_id": 1}), SETTINGS, None, NOBODY)


def test_nothing_to_compare() -> None:
    empty = pa.Table.from_pylist([], SCHEMA)
    assert find_links(empty, SETTINGS, None, NOBODY).links.schema.equals(LINK_SCHEMA)
    assert group_clusters(LINK_SCHEMA.empty_table(), empty, SETTINGS, NOBODY).num_rows == 0
    assert find_links(people(ANNA), SETTINGS, pa.array([], pa.int64()), NOBODY).links.num_rows == 0


def test_the_stored_model_weighs_agreement_above_chance() -> None:
    model = read_model()
    for comparison in model.splink["comparisons"]:
        levels = levels_of(comparison)
        assert levels[0]["m_probability"] > levels[0]["u_probability"]
        assert levels[-1]["m_probability"] < levels[-1]["u_probability"]
        assert sum(level["m_probability"] for level in levels) == pytest.approx(1, abs=0.01)
    assert model.frequency["family"]["jensen"] > model.frequency["family"]["friis"] > model.unseen["family"]
    assert "generated people" in model.trained_on
    assert fingerprint(SETTINGS) == fingerprint(SETTINGS)


def test_a_model_file_that_is_none_is_told(tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    with pytest.raises(ValueError, match="cannot be read"):
        read_model(path)
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(ValueError, match="no matching model"):
        read_model(path)
    other = json.loads(untrained().to_json())
    other["splink"]["comparisons"] = other["splink"]["comparisons"][:-1]
    path.write_text(json.dumps(other), encoding="utf-8")
    with pytest.raises(ValueError, match="train it again"):
        read_model(path)
    path.write_text(untrained().to_json(), encoding="utf-8")
    assert read_model(path) == untrained()


def test_a_configuration_that_names_no_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "company.yaml"
    path.write_text("identity:\n  matching: {model: own.json}\n", encoding="utf-8")
    with pytest.raises(
        ConfigurationError, match=r"identity\.matching\.model: .*own\.json: the matching model cannot be read"
    ):
        load_configuration(path)
    (tmp_path / "own.json").write_text(untrained().to_json(), encoding="utf-8")
    assert load_configuration(path).identity.matching.model == tmp_path / "own.json"
    path.write_text("identity:\n  matching: {review_weight: 9}\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="the review band lies below"):
        load_configuration(path)


def test_expectation_maximisation_finds_what_was_planted() -> None:
    """10,000 pairs, a fifth of them matches, drawn from known levels: m and the share come back."""
    rng = np.random.default_rng(360)
    sizes = [len(levels_of(comparison)) for comparison in COMPARISONS]
    m = [np.array([0.8] + [0.2 / (size - 1)] * (size - 1)) for size in sizes]
    u = [np.array([0.02] * (size - 1) + [1 - 0.02 * (size - 1)]) for size in sizes]
    is_match = rng.random(10_000) < 0.2
    columns = []
    for of_match, of_other, size in zip(m, u, sizes, strict=True):
        drawn = np.where(is_match, rng.choice(size, 10_000, p=of_match), rng.choice(size, 10_000, p=of_other))
        columns.append(size - 1 - drawn)
    patterns = np.stack(columns, axis=1)
    found_m, share = _expectation_maximisation(patterns, np.ones(10_000), np.zeros(10_000, dtype=bool), u, 100)
    assert share == pytest.approx(is_match.mean(), abs=0.01)
    for estimated, planted in zip(found_m, m, strict=True):
        assert np.abs(estimated - planted).max() < 0.03
    frequency = {"given": {}, "family": {}}
    model = assemble(found_m, u, 0.001, frequency, {"given": 0.1, "family": 0.1}, "a test")
    assert model.splink["probability_two_random_records_match"] == 0.001
