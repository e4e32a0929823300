"""`touchpoint360 new-source` on unknown exports: what it proposes, that it works at once, that nothing is overwritten."""

from __future__ import annotations

import datetime as dt
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from models.configuration import load_configuration
from pipelines.cli import app
from pipelines.new_source import NewSourceError, Result, make_source, register_folder
from sources.archive import ReadError
from sources.inspect import inspect_file
from sources.spec import SourceCatalog, load_catalog
from tests.pipelines import unknown_exports as exports

NOTHING_KNOWN = SourceCatalog({})
CONFIGURATION = load_configuration(None)


@dataclass(frozen=True)
class Expected:
    """What a proposal must say of an export, decided by a person who looked at the file."""

    maker: Any
    name: str
    feeds: str
    read: dict[str, Any]
    key: tuple[str, ...]
    roles: dict[str, str]
    types: dict[str, int] = field(default_factory=dict)
    quarantined: int = 0
    repeated: int = 0
    first: dict[str, Any] = field(default_factory=dict)
    labels: dict[str, int] = field(default_factory=dict)


CASES = [
    Expected(
        exports.till_receipts,
        "kassa.bon",
        "touchpoint",
        {"format": "csv", "delimiter": ";", "encoding": "windows-1252", "decimal": ","},
        ("Bonnummer",),
        {"Klantpas": "identifier:customer_number", "Bonnummer": "object:order", "Bedrag": "amount", "Datum": "occurred_day"},
        {"pos_purchase": 40},
        repeated=40,
        # The first receipt: day 2, clock 10:01, 1.007,25 euro; customer numbers keep their zeros.
        first={"occurred_at": dt.datetime(2026, 3, 2, 10, 1), "amount": 1007.25, "channel": "store"},
    ),
    Expected(
        exports.phone_calls,
        "telefoni.opkald",
        "touchpoint",
        {"format": "xlsx"},
        ("Opkalds-id",),
        {
            "Fra": "party_from:phone", "Til": "party_to:phone", "Retning": "direction", "Resultat": "status",
            "Samtaletid (sekunder)": "duration:seconds", "Medarbejder": "agent",
        },
        {"call_inbound": 20, "call_outbound": 10},
        first={"occurred_at": dt.datetime(2026, 3, 2, 9, 1), "direction": "inbound", "outcome": "success"},
    ),
    Expected(
        exports.german_tickets,
        "hilfe.vorgang",
        "touchpoint",
        {"format": "ndjson", "flatten": True, "style": "de"},
        ("Vorgangsnummer",),
        {
            "Erstellt am": "occurred_at", "Gelöst am": "moment:ticket_resolved", "Kunde.E-Mail": "identifier:email",
            "Kunde.Kundennummer": "identifier:customer_number", "Betreff": "subject", "Vorgangsnummer": "object:ticket",
        },
        {"ticket_opened": 36, "ticket_resolved": 24},
        first={"occurred_at": dt.datetime(2026, 2, 2, 2, 15)},
    ),
    Expected(
        exports.french_survey,
        "sondage.reponse",
        "touchpoint",
        {"format": "csv", "delimiter": "\t", "skip_rows": 1},
        ("Identifiant",),
        {"Adresse e-mail": "identifier:email", "Recommanderiez-vous notre boutique ? (0-10)": "score"},
        {"survey_answered": 24},
        quarantined=1,
        first={"score_kind": "nps", "score_raw": 1.0, "occurred_at": dt.datetime(2026, 3, 1, 14, 1)},
    ),
    Expected(
        exports.app_events,
        "app.event",
        "touchpoint",
        {"format": "parquet"},
        ("event_id",),
        {
            "event_name": "type", "anonymous_id": "identifier:cookie", "username": "identifier:login", "revenue": "amount",
            "url": "page",
        },
        {"cart_updated": 10, "checkout_started": 10, "login": 10, "order_placed": 10, "page_view": 10, "unmapped": 10},
        first={"occurred_at": dt.datetime(2026, 3, 4, 4, 53, 20), "raw_type": "Page Viewed"},
        labels={"Widget Twisted": 10},
    ),
    Expected(
        exports.customer_file,
        "crm.relatie",
        "party_record",
        {"format": "avro"},
        ("relatienummer",),
        {
            "relatienummer": "identifier:customer_number", "email": "identifier:email", "telefoon": "identifier:phone",
            "voornaam": "given_name", "achternaam": "family_name", "straat": "street", "huisnummer": "house_number",
            "postcode": "postal_code", "plaats": "city", "geboortedatum": "birth_date", "nieuwsbrief": "consent_email",
            "gewijzigd_op": "valid_from",
        },
        first={"city": "Utrecht", "given_name": "Anna", "valid_from": dt.datetime(2026, 2, 1, 10)},
    ),
    Expected(
        exports.advertising_costs,
        "ads.spend",
        "channel_cost",
        {"format": "xml", "record": "Row"},
        ("Day", "Campaign"),
        {"Day": "cost_date", "Spend": "cost", "Clicks": "clicks", "Impressions": "impressions", "Currency": "currency"},
        first={"cost_date": dt.date(2026, 3, 1), "cost_amount": 1.5, "click_count": 1, "currency": "EUR"},
    ),
    Expected(
        exports.bare_calls,
        "pbx.call",
        "touchpoint",
        {"format": "csv", "header_rows": 0},
        ("number_1",),
        {"phone_2": "identifier:phone", "time_3": "occurred_at", "word_5": "status"},
        {"call_inbound": 24},
        first={"occurred_at": dt.datetime(2026, 3, 1, 10, 0, 1), "outcome": "success"},
    ),
]  # fmt: skip


def propose_one(expected: Expected, folder: Path) -> Result:
    return make_source([expected.maker(folder)], folder / "own", expected.name, NOTHING_KNOWN, CONFIGURATION)


@pytest.mark.parametrize("expected", CASES, ids=lambda case: case.name)
def test_an_unknown_export_becomes_what_a_person_would_make_of_it(expected: Expected, tmp_path: Path) -> None:
    result = propose_one(expected, tmp_path)
    proposal, trial = result.proposal, result.trial
    assert proposal.feeds == expected.feeds
    assert {key: proposal.read.get(key) for key in expected.read} == expected.read
    assert proposal.key == expected.key
    roles = {plan.source: plan.role for plan in proposal.columns}
    assert {name: roles.get(name) for name in expected.roles} == expected.roles
    assert trial.types == expected.types
    assert trial.labels == expected.labels
    assert (trial.quarantined_count, trial.repeated_count) == (expected.quarantined, expected.repeated)
    assert trial.balances and trial.unmapped_row_count == 0
    first = trial.rows[0]
    assert {name: first.get(name) for name in expected.first} == expected.first


@pytest.mark.parametrize("expected", CASES, ids=lambda case: case.name)
def test_inspect_with_the_folder_recognises_the_file_and_agrees(expected: Expected, tmp_path: Path) -> None:
    result = propose_one(expected, tmp_path)
    # Beside all shipped systems, and the file under another name where it has a header.
    catalog = load_catalog([tmp_path / "own"])
    path = result.files[0]
    if proposal_has_header := result.proposal.read.get("header_rows") != 0:
        path = path.rename(path.with_name("renamed" + "".join(path.suffixes)))
    report = inspect_file(path, catalog)
    assert report.recognition.export == expected.name, (proposal_has_header, report.recognition.message)
    assert report.is_usable
    reading = report.readings[0]
    assert reading.row_count == result.trial.row_count
    if expected.feeds == "touchpoint":
        assert sum(reading.touchpoint_types.values()) >= sum(result.trial.types.values())


def test_what_is_unsure_stands_in_the_files_with_its_evidence(tmp_path: Path) -> None:
    till = propose_one(CASES[0], tmp_path / "till") if (tmp_path / "till").mkdir() is None else None
    assert till is not None
    spec = till.yaml_path.read_text(encoding="utf-8")
    assert "# unsure: 80 rows, 40 different Bonnummer: lines of one become one\nkey: [Bonnummer]" in spec
    assert re.search(
        r"# unsure: the times in Datum have no zone and are taken for UTC; give theirs\n  time_zone: UTC", spec
    )
    assert "add `currency: EUR`" in spec
    (tmp_path / "events").mkdir()
    events = propose_one(CASES[4], tmp_path / "events")
    assert events.sql_path is not None
    assert "when 'widget twisted' then 'unmapped'  -- unsure: no type for this; 10 rows" in events.sql_path.read_text()
    assert "name 'event_name'" not in spec


def test_a_zone_and_a_currency_that_a_person_gives_are_taken_and_no_longer_unsure(tmp_path: Path) -> None:
    path = exports.till_receipts(tmp_path)
    result = make_source([path], tmp_path / "own", "kassa.bon", NOTHING_KNOWN, CONFIGURATION, "Europe/Amsterdam", "EUR")
    assert result.trial.rows[0]["occurred_at"] == dt.datetime(2026, 3, 2, 9, 1)
    assert result.trial.rows[0]["currency"] == "EUR"
    assert not [text for text in result.unsure if "zone" in text or "currency" in text]


def test_several_files_are_profiled_together_and_one_that_differs_is_told(tmp_path: Path) -> None:
    header = "Ref;Datum;Bedrag\n"
    first, second, third, fourth = (tmp_path / f"{name}.csv" for name in "abcd")
    first.write_text(header + "".join(f"R{n};0{n}/04/2026;1,50\n" for n in range(1, 9)))
    # Only the second file tells that the day stands first.
    second.write_text(header + "".join(f"R{n};{n}/04/2026;1,50\n" for n in range(20, 28)))
    third.write_text("Ref;Datum;Totaal\nR1;01/04/2026;2,00\n")
    fourth.write_text("Ref,Datum,Bedrag\nR1,01/04/2026,2\n")
    alone = make_source([first], tmp_path / "own", "kas.betaling", NOTHING_KNOWN, CONFIGURATION)
    assert any("day first is assumed" in text for text in alone.unsure)
    both = make_source([first, second], tmp_path / "own", "kas.betaling", NOTHING_KNOWN, CONFIGURATION, force=True)
    assert both.trial.row_count == 16 and both.trial.types == {"payment_received": 16}
    assert not any("day first is assumed" in text for text in both.unsure)
    with pytest.raises(NewSourceError, match=r"c\.csv has other columns than .*missing: Bedrag; new: Totaal"):
        make_source([first, third], tmp_path / "own", "kas.betaling", NOTHING_KNOWN, CONFIGURATION, force=True)
    with pytest.raises(NewSourceError, match=r"d\.csv is written otherwise.*delimiter is ',', not ';'"):
        make_source([first, fourth], tmp_path / "own", "kas.betaling", NOTHING_KNOWN, CONFIGURATION, force=True)


def test_nothing_is_overwritten_without_being_told_to(tmp_path: Path) -> None:
    result = propose_one(CASES[4], tmp_path)
    assert result.sql_path is not None
    result.sql_path.write_text("-- mine\n")
    with pytest.raises(NewSourceError, match="--force"):
        propose_one(CASES[4], tmp_path)
    assert result.sql_path.read_text() == "-- mine\n"
    make_source([exports.app_events(tmp_path)], tmp_path / "own", "app.event", NOTHING_KNOWN, CONFIGURATION, force=True)
    assert result.sql_path.read_text() != "-- mine\n"


def test_a_known_export_is_not_proposed_again_but_may_be(tmp_path: Path) -> None:
    path = tmp_path / "purchases.csv"
    path.write_text("id,touchpoint_type,occurred_at,shelf\n1,order_placed,2026-03-01T10:00:00Z,A\n")
    catalog = load_catalog()
    with pytest.raises(NewSourceError, match=r"already known as canonical\.touchpoint.*--anyway"):
        make_source([path], tmp_path / "own", "shop.purchase", catalog, CONFIGURATION)
    make_source([path], tmp_path / "own", "shop.purchase", catalog, CONFIGURATION, anyway=True)
    assert inspect_file(path, load_catalog([tmp_path / "own"])).recognition.export == "shop.purchase"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "is empty"),
        (b"name;when\n", "has a header but no rows"),
        (b"%PDF-1.7 report", "is a PDF"),
        (
            b"Dear colleague, please find attached the numbers of March.\nKind regards, a colleague of yours, who writes\n",
            "no table",
        ),
    ],
)
def test_a_file_without_a_table_is_told_as_such(content: bytes, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "what.csv"
    path.write_bytes(content)
    with pytest.raises((NewSourceError, ReadError), match=complaint):
        make_source([path], tmp_path / "own", "a.b", NOTHING_KNOWN, CONFIGURATION)
    assert not (tmp_path / "own").exists()


def test_the_command_prints_the_touchpoints_and_names_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "touchpoint360.yaml").write_text("# ours\ncompany: Tea\nsource_folders: []  # none yet\n")
    path = exports.phone_calls(tmp_path)
    runner = CliRunner()
    arguments = ["new-source", str(path), "--into", "systems", "--name", "telefoni.opkald"]
    done = runner.invoke(app, [*arguments, "--register"])
    assert done.exit_code == 0, done.output
    assert "call_inbound 20, call_outbound 10" in done.output
    assert re.search(r"2026-03-02 09:01:00  call_inbound +phone +inbound +phone \+•+\d+ ", done.output)
    assert "+4520" not in done.output
    assert "- read.time_zone: the times in Starttidspunkt have no zone" in done.output
    text = (tmp_path / "touchpoint360.yaml").read_text()
    assert text == "# ours\ncompany: Tea\nsource_folders: [systems]  # none yet\n"
    # The folder is known now: inspect finds the file's spec, and a second call needs --force.
    seen = runner.invoke(app, ["inspect", str(path)])
    assert "telefoni.opkald" in seen.output
    again = runner.invoke(app, [*arguments, "--json", "--force"])
    answer = json.loads(again.output)
    assert answer["registered"] and answer["trial"]["balances"]
    assert answer["trial"]["types"] == {"call_inbound": 20, "call_outbound": 10}
    assert {item["name"]: item["role"] for item in answer["columns"]}["Retning"] == "direction"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, "source_folders: [own]\n"),
        ("company: Tea", "company: Tea\nsource_folders: [own]\n"),
        ("source_folders: [a, b]\n", "source_folders: [a, b, own]\n"),
        ("source_folders:  # ours\n  - a\ncompany: Tea\n", "source_folders:  # ours\n  - own\n  - a\ncompany: Tea\n"),
        ("source_folders: [own]\n", "source_folders: [own]\n"),
    ],
)
def test_a_folder_is_named_in_the_configuration_without_touching_the_rest(
    before: str | None, after: str, tmp_path: Path
) -> None:
    path = tmp_path / "touchpoint360.yaml"
    if before is not None:
        path.write_text(before)
    register_folder(path, tmp_path / "own")
    assert path.read_text() == after


def test_a_column_that_a_night_would_not_see_gets_another_name(tmp_path: Path) -> None:
    # Names that begin with an underscore belong to connectors: a night leaves them out.
    path = tmp_path / "visits.jsonl"
    path.write_text("".join(
        json.dumps(
            {
                "_id": f"v{n}",
                "_fivetran_synced": "2026-01-01T00:00:00Z",
                "visitedAt": f"2026-03-{n:02d}T10:00:00Z",
                "email": f"p{n % 3}@example.org",
            }
        )
        + "\n"
        for n in range(1, 20)
    ))  # fmt: skip
    result = make_source([path], tmp_path / "own", "door.store_visit", NOTHING_KNOWN, CONFIGURATION)
    assert result.proposal.key == ("id",)
    assert "  id: {aliases: [_id]}" in result.yaml_path.read_text()
    assert "_fivetran_synced" not in result.yaml_path.read_text()
    assert result.trial.types == {"store_visit": 19}


def test_the_trial_reads_all_rows_and_not_only_those_that_were_profiled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.new_source.PROFILED_ROWS", 50)
    path = tmp_path / "calls.parquet"
    duckdb.sql(
        "select 'c' || i as call_id, timestamp '2026-03-01' + to_minutes(i) as call_start, '+316' || 12000000 + i as phone, "
        "i % 7 * 10 as duration_seconds from range(1000) as t(i)"
    ).write_parquet(str(path))
    assert pq.read_metadata(path).num_rows == 1000
    result = make_source([path], tmp_path / "own", "pbx.call", NOTHING_KNOWN, CONFIGURATION)
    assert result.trial.row_count == 1000 and result.trial.types == {"call_inbound": 1000}


def test_people_in_a_file_of_touchpoints_become_party_records_of_the_same_rows(tmp_path: Path) -> None:
    path = tmp_path / "offertes.csv"
    path.write_text(
        "Offertenummer;Verzonden op;Voornaam;Achternaam;E-mail;Bedrag\n"
        + "".join(
            f"O{n};2026-03-{n:02d} 10:00;{name.title()};Jansen;{name}@example.org;{n},50\n"
            for n, name in enumerate([*exports.PEOPLE, "anna", ""], 1)
        ).replace(";@example.org;", ";;")
    )
    result = make_source(
        [path], tmp_path / "own", "crm.offerte", NOTHING_KNOWN, CONFIGURATION, "Europe/Amsterdam", "EUR"
    )
    assert result.trial.types == {"quote_sent": 10}
    people = result.beside
    assert people is not None and people.proposal.feeds == "party_record" and people.trial.balances
    # Eight people: Anna comes twice and her later row counts; the last row names nobody.
    assert (people.trial.mapped_count, people.trial.repeated_count, people.trial.skipped) == (8, 1, {"nobody": 1})
    anna = next(row for row in people.trial.rows if row["given_name"] == "Anna")
    assert anna["valid_from"] == dt.datetime(2026, 3, 9, 9)
    report = inspect_file(path, load_catalog([tmp_path / "own"]))
    assert report.recognition.exports == ("crm.offerte", "crm.offerte_person")
    assert [reading.mapped for reading in report.readings] == [10, 8]


def test_values_that_are_not_of_the_type_are_counted_beside_the_column(tmp_path: Path) -> None:
    path = tmp_path / "opkald.csv"
    path.write_text(
        "call_id;started;phone;duration_seconds\n"
        + "".join(
            f"c{n};2026-03-{n % 28 + 1:02d} 10:00:00;+45200000{n % 8:02d};{'lang' if n % 67 == 66 else n}\n"
            for n in range(200)
        )
    )
    result = make_source([path], tmp_path / "own", "pbx.call", NOTHING_KNOWN, CONFIGURATION)
    text = result.yaml_path.read_text()
    # The value stays text: the column becomes NULL there and the row is kept.
    assert "  duration_seconds: {type: integer, optional: true}" in text
    assert re.search(
        r"# unsure: duration:seconds: 2 of 200 values are no integer; in seconds\n  duration_seconds", text
    )
    assert (result.trial.mapped_count, result.trial.quarantined_count) == (200, 0)
