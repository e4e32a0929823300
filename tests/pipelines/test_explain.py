"""`touchpoint360 explain` and `review` on a company small enough to check by hand."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from models.configuration import load_configuration
from pipelines.explain import ExplainError, explain, path_of_links
from pipelines.explain_text import explanation_text
from pipelines.night.decisions import read_decisions
from pipelines.review import ReviewError, review_rows, write_review
from pipelines.summary import night_summary, summary_text
from pipelines.warehouse import Warehouse
from tests.pipelines.companies import write_lines
from tests.pipelines.nights import query, quick_night

Call = Callable[..., tuple[int, str, str]]

PERSON = (
    "id,party_type,customer_number,email,phone,given_name,family_name,birth_date,street,house_number,postal_code,city,"
    "valid_from"
)
POINT = "id,updated_at,touchpoint_type,occurred_at,email,customer_number,amount,currency"

# Likeness alone joins nobody here: what is alike waits for a person.
CAUTIOUS = "identity: {matching: {link_weight: 90}}"


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Anna (shop and newsletter), Bram at the same address, one telephone of both, two records that may be one Carla.

    The second night joins Anna's second address by an order that names both.
    """
    folder = tmp_path_factory.mktemp("told")
    home = "Voorstraat,12,2611 AB,Delft"
    write_lines(
        folder / "one" / "people.csv",
        PERSON,
        f"p1,person,10001,anna@example.org,+31201234567,Anna,Visser,1971-03-14,{home},2026-01-01T00:00:00Z",
        f"p2,person,10002,bram@example.org,+31201234567,Bram,Visser,1969-07-02,{home},2026-01-02T00:00:00Z",
        "p3,person,,carla@example.org,,Carla,Demir,1980-05-05,Markt,1,2611 GP,Delft,2026-01-03T00:00:00Z",
        "p4,person,,c.demir@example.net,,Carla,Demir,1980-05-05,Markt,1,2611 GP,Delft,2026-01-04T00:00:00Z",
    )
    write_lines(
        folder / "one" / "touchpoint.csv", POINT, "t1,,page_view,2026-01-05T10:00:00Z,anna.visser@example.net,,,"
    )
    config = write_lines(folder / "touchpoint360.yaml", CAUTIOUS)
    quick_night([folder / "one"], folder / "warehouse", config, systems=("canonical",))
    write_lines(
        folder / "two" / "order.csv",
        POINT,
        "t2,,order_placed,2026-01-06T10:00:00Z,anna.visser@example.net,10001,20,EUR",
    )
    quick_night([folder / "two"], folder / "warehouse", config, systems=("canonical",))
    return folder / "warehouse"


def test_a_customer_is_explained_by_identifiers_links_sources_and_history(told: Path) -> None:
    answer = explain(told, ["email:ANNA@example.org"], "NL")
    (customer,) = answer["customers"]
    assert [(row["identifier_type"], row["identifier_value"], row["is_link"]) for row in customer["identifiers"]] == [
        ("canonical.party", "p1", True),
        ("customer_number", "10001", True),
        ("email", "anna.visser@example.net", True),
        ("email", "anna@example.org", True),
        ("phone", "+31201234567", False),
    ]
    assert [
        (row["left_value"], row["right_value"], row["link_rule"])
        for row in customer["links"]
        if "p1" not in row["left_value"]
    ] == [
        ("10001", "anna.visser@example.net", "record"),
        ("10001", "anna@example.org", "record"),
    ]
    assert {row["reason"] for row in customer["held_back"]} >= {"shared: more than 1 customer_number"}
    assert [row["full_name"] for row in customer["household"]] == ["Bram Visser"]
    assert {row["field"]: row["reason"] for row in customer["fields"]}["name"] == "only value"
    assert {row["reason"] for row in customer["history"]} == {
        "first seen",
        "merged: a record names identifiers of both",
    }


def test_the_path_between_two_identifiers_names_every_link(told: Path) -> None:
    answer = explain(told, ["email:anna@example.org", "email:anna.visser@example.net"], "NL")
    assert [(step["from"], step["to"]) for step in answer["path"]] == [
        ("email:anna@example.org", "customer_number:10001"),
        ("customer_number:10001", "email:anna.visser@example.net"),
    ]
    text = explanation_text(answer)
    assert "email:anna@example.org -> customer_number:10001: 1 x record of canonical, 2026-01-01 to 2026-01-01" in text
    assert max(map(len, text.splitlines())) <= 100


def test_two_customers_are_told_what_they_share_and_what_parts_them(told: Path) -> None:
    """Nobody compared Anna and Bram: their birth dates and first names differ, so they are weighed when somebody asks."""
    matching = load_configuration(None).identity.matching
    answer = explain(told, ["email:anna@example.org", "email:bram@example.org"], "NL", matching)
    assert not answer["same_customer"]
    assert ("guard", "+31201234567") in {(event["identity_event"], event["left_value"]) for event in answer["between"]}
    assert answer["weighed"]["veto_reason"] == "different unique number"
    assert answer["weighed"]["match_weight"] < matching.review_weight
    text = explanation_text(answer)
    assert "They are two customers." in text and "birth_date: different" in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= 100


def test_a_shared_identifier_is_told_with_everybody_whose_it_might_be(told: Path) -> None:
    answer = explain(told, ["phone:020 123 4567"], "NL")
    assert answer["customers"] == []
    (shared,) = answer["shared"]
    assert (shared["identifier_value"], shared["reason"]) == ("+31201234567", "shared: more than 1 customer_number")
    assert {row["full_name"] for row in shared["customers"]} == {"Anna Visser", "Bram Visser"}
    # beside somebody whose records show it, it stands for them, and no link leads to it
    beside = explain(told, ["phone:0201234567", "email:bram@example.org"], "NL")
    assert [customer["name"] for customer in beside["customers"]] == ["Bram Visser"]
    assert (beside["same_customer"], beside["path"]) == (True, [])
    assert "a shared identifier stands in the customer's records" in explanation_text(beside)


def test_every_character_of_a_long_explanation_is_shown_within_a_hundred_columns() -> None:
    """An identifier of 300 characters, a value without blanks, a name that is a page long."""
    long = "x" * 300
    seen = {
        "first_seen_at": None,
        "last_seen_at": None,
        "record_count": 123456,
        "source_systems": ", ".join(["shop"] * 30),
    }
    customer = {
        "customer_id": 2**62, "name": "n" * 200, "links": [], "held_back": [], "household": [], "history": [],
        "identifiers": [{"identifier_type": "cookie", "identifier_value": long, "is_link": False, **seen}],
        "fields": [
            {"field": "address", "value": long, "is_valid": True, "source_system": "shop", "valid_from": None,
             "agreeing_system_count": 1, "other_value_count": 0, "reason": "only value"}
        ],
    }  # fmt: skip
    text = explanation_text({"customers": [customer]})
    assert max(map(len, text.splitlines())) <= 100
    # and the x of "123456 x"
    assert text.count("x") == 2 * 300 + 1


def test_an_id_that_was_merged_leads_to_the_customer_it_became(told: Path) -> None:
    release = Warehouse(told).require_current()
    ((old, new),) = query(
        release, "select customer_id, merged_into from customer_id_history where merged_into is not null"
    )
    answer = explain(told, [str(old), str(new)], "NL")
    assert [customer["customer_id"] for customer in answer["customers"]] == [new]
    text = explanation_text(answer)
    assert text.startswith(f"customer {old} is {new} now: merged: a record names identifiers of both\ncustomer {new}")
    assert text.endswith("Both are one customer.")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("email:nobody@example.org", "no customer has email 'nobody@example.org'"),
        ("emial:anna@example.org", "no record has an identifier of type 'emial'; did you mean 'email'?"),
        ("anna", "neither a customer_id"),
        ("12345", "no release has published a customer 12345"),
        ("10001", "Identifiers are written type:value. Did you mean customer_number:10001?"),
        ("Anna@Example.org", "such as email:anna@example.org. Did you mean email:anna@example.org?"),
        ("phone:call her", "no customer has phone 'call her', which cannot be read as a value of type phone"),
    ],
)
def test_an_unknown_id_is_told_with_a_hint(told: Path, text: str, message: str) -> None:
    with pytest.raises(ExplainError, match=message.replace("?", r"\?")):
        explain(told, [text], "NL")


def test_the_shortest_path_is_taken_and_none_is_told_as_none() -> None:
    def link(left: str, right: str) -> dict[str, str]:
        return {"left_type": "email", "left_value": left, "right_type": "email", "right_value": right}

    links = [link("a", "b"), link("b", "c"), link("c", "d"), link("a", "d"), link("x", "y")]
    assert [step["to"] for step in path_of_links(links, ("email", "b"), ("email", "d"))] == ["email:a", "email:d"]
    assert path_of_links(links, ("email", "a"), ("email", "x")) == []


def test_a_file_of_reviews_is_added_to_and_nothing_in_it_changes(told: Path, tmp_path: Path) -> None:
    """As a spreadsheet saved it: semicolons, another order, a column more, no line end; names cannot be formulas."""
    (row,) = review_rows(told)
    file = tmp_path / "review.csv"
    kept = "\ufeffDecision;Right;Left;note\r\ndifferent;login:x;login:y;called"
    file.write_text(kept, encoding="utf-8", newline="")
    other = {**row, "left": "login:y", "right": "login:x"}
    assert write_review([other, row], file) == (1, 1)
    text = file.read_bytes().decode()
    assert text == kept + "\r\n;email:carla@example.org;email:c.demir@example.net;\r\n"
    decisions, warnings = read_decisions(file)
    assert ([each.decision for each in decisions], warnings) == (["different"], [])
    fresh = tmp_path / "fresh.csv"
    write_review([{**row, "left_name": "=1+1", "match_weight": -2.5}], fresh)
    with fresh.open(newline="", encoding="utf-8") as handle:
        (read,) = csv.DictReader(handle)
    assert (read["left_name"], read["match_weight"]) == ("'=1+1", "-2.5")


def test_a_review_is_filled_in_fed_back_and_asked_no_more(told: Path, tmp_path: Path) -> None:
    rows = review_rows(told)
    assert [(row["left"], row["right"], row["decision"]) for row in rows] == [
        ("email:c.demir@example.net", "email:carla@example.org", "")
    ]
    file = tmp_path / "review.csv"
    assert write_review(rows, file) == (1, 0)
    assert file.stat().st_mode & 0o777 == 0o600
    file.write_bytes(file.read_bytes().replace(b"org,,", b"org,same,"))
    # asked again, the file keeps what was filled in
    assert write_review(rows, file) == (0, 1)
    file.write_bytes(file.read_bytes() + b"login:nobody,email:carla@example.org,same\r\n")
    (tmp_path / "touchpoint360.yaml").write_text(
        CAUTIOUS.replace("{matching", "{decisions: review.csv, matching"), encoding="utf-8"
    )
    (tmp_path / "nothing").mkdir()
    for _ in range(2):
        release = quick_night([tmp_path / "nothing"], told, tmp_path / "touchpoint360.yaml", systems=("canonical",))
        assert review_rows(told) == []
        summary = night_summary(release)
        assert [text.rpartition(": ")[2] for text in summary["identity_warnings"]] == [
            "left is an identifier that no record has; the line waits and changes nothing."
        ]
        assert "who is who    1 line(s) to look at" in summary_text(summary, told)
        assert query(
            release, "select count(distinct customer_id) from customer_identifier where identifier_value like 'c%@%'"
        ) == [(1,)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"one,two\n1,2\n", "no file of decisions: its header lacks left, right, decision"),
        (b"\xff\xfe", "not UTF-8 at byte 0"),
    ],
)
def test_another_file_is_not_written_over(tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "notes.csv"
    file.write_bytes(content)
    with pytest.raises(ReviewError, match=message):
        write_review([], file)
    assert file.read_bytes() == content


def test_the_commands_print_text_or_json_and_mistakes_in_one_line(call: Call, told: Path) -> None:
    code, out, _ = call("explain", "customer_number:10002", "--warehouse", told)
    assert code == 0 and out.startswith("customer ")
    assert json.loads(call("review", "--warehouse", told, "--json")[1]) == []
    code, out, error = call("explain", "email:nobody@example.org", "--warehouse", told)
    assert (code, out) == (1, "") and error.startswith("touchpoint360: no customer has email")
