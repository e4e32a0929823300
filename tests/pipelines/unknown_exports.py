"""Small exports of systems that nobody knows, in five languages and many formats: what `new-source` is tried on.

Each maker writes one file and returns its path. People are made up, on reserved domains and number ranges.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import fastavro
import polars as pl

from tests.sources.core.workbooks import sheet_xml, write_workbook

PEOPLE = ("anna", "bram", "soren", "carla", "dirk", "eva", "fons", "greta")


def till_receipts(folder: Path) -> Path:
    """Dutch till: semicolons, Windows-1252, comma decimals, day and clock apart, several lines per receipt."""
    lines = ["Bonnummer;Datum;Tijd;Filiaal;Klantpas;Artikel;Aantal;Bedrag"]
    for number in range(1, 41):
        pas = f"{number % 8 + 10_000:06d}" if number % 3 else ""
        for line in range(1 + number % 3):
            day = f"{number % 27 + 1:02d}-03-2026"
            lines.append(
                f"B{number:05d};{day};{9 + number % 8:02d}:{number:02d};Café {number % 4};{pas};Thee {line};{line + 1};"
                f"{number * 7.25 + 1000:.2f}".replace(".", ",")
            )
    path = folder / "kassabonnen_maart.csv"
    path.write_bytes("\r\n".join(lines).encode("windows-1252"))
    return path


def phone_calls(folder: Path) -> Path:
    """Danish telephony as a workbook: directions, outcomes, seconds."""
    rows: list[list[object]] = [
        ["Opkalds-id", "Starttidspunkt", "Retning", "Fra", "Til", "Samtaletid (sekunder)", "Resultat", "Medarbejder"]
    ]
    for number in range(1, 31):
        inbound = number % 3 != 0
        customer, company = f"+4520{number % 8:06d}", "+4570000000"
        rows.append([
            f"C-{number}", f"{number % 28 + 1:02d}.03.2026 {8 + number % 9:02d}:{number:02d}:00",
            "Indgående" if inbound else "Udgående",
            customer if inbound else company, company if inbound else customer, number * 11,
            "Besvaret" if number % 4 else "Ubesvaret", f"M{number % 3}",
        ])  # fmt: skip
    path = folder / "opkald.xlsx"
    write_workbook(path, {"Opkald": sheet_xml(rows)})
    return path


def german_tickets(folder: Path) -> Path:
    """German helpdesk, nested JSON lines with month names, packed with gzip."""
    months = ("Januar", "Februar", "März", "April", "Mai", "Juni")
    lines = []
    for number in range(1, 37):
        month = months[number % 6]
        lines.append(json.dumps({
            "Vorgangsnummer": f"V-{1000 + number}",
            "Erstellt am": f"{number % 27 + 1}. {month} 2026 0{number % 8 + 1}:15",
            "Gelöst am": f"{number % 27 + 2}. {month} 2026 12:30" if number % 3 else None,
            "Kunde": {"Kundennummer": f"{20_000 + number % 8}", "E-Mail": f"{PEOPLE[number % 8]}@example.org"},
            "Betreff": f"Frage zur Lieferung Nummer {number}",
            "Status": "geschlossen" if number % 3 else "offen",
        }, ensure_ascii=False))  # fmt: skip
    path = folder / "vorgaenge.jsonl.gz"
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    return path


def french_survey(folder: Path) -> Path:
    """French survey with tabs: a score from 0 to 10 with one value outside, a title line."""
    lines = [
        "Enquête de satisfaction – mars 2026", "",
        "Identifiant\tDate de réponse\tAdresse e-mail\tRecommanderiez-vous notre boutique ? (0-10)\tCommentaire",
    ]  # fmt: skip
    for number in range(1, 26):
        score = 11 if number == 13 else number % 11
        lines.append(
            f"R{number:04d}\t{number:02d}/03/2026 14:0{number % 10}\t{PEOPLE[number % 8]}@example.org\t{score}\t"
            f"très bien {number}"
        )
    path = folder / "enquete.tsv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def app_events(folder: Path) -> Path:
    """English product events as Parquet: names of events, milliseconds since 1970, a cookie and a login."""
    names = ("Page Viewed", "Added to Cart", "Checkout Started", "Order Completed", "Signed In", "Widget Twisted")
    rows = [
        {
            "event_id": f"e{number:04d}", "event_name": names[number % 6], "timestamp": 1_772_600_000_000 + number * 61_000,
            "anonymous_id": f"a{number % 9}", "username": PEOPLE[number % 8] if number % 2 else None,
            "url": f"https://shop.example.com/tea/{number % 5}?x=1", "currency": "EUR",
            "revenue": 12.5 if number % 6 == 3 else None,
        }
        for number in range(60)
    ]  # fmt: skip
    path = folder / "events.parquet"
    pl.DataFrame(rows).write_parquet(path)
    return path


def customer_file(folder: Path) -> Path:
    """Dutch customer file as Avro: names, address, consent, birthday."""
    schema = {
        "type": "record", "name": "relatie",
        "fields": [
            {"name": name, "type": ["null", "string"]}
            for name in ("relatienummer", "voornaam", "achternaam", "email", "telefoon", "straat", "huisnummer", "postcode",
                         "plaats", "geboortedatum", "nieuwsbrief", "gewijzigd_op")
        ],
    }  # fmt: skip
    rows = [
        {
            "relatienummer": f"{number + 30_000}", "voornaam": person.title(), "achternaam": "de Vries",
            "email": f"{person}@example.org",
            "telefoon": f"06-1234567{number}", "straat": "Dorpsstraat", "huisnummer": f"{number + 1}",
            "postcode": f"100{number} AB",
            "plaats": "Utrecht", "geboortedatum": f"{number + 10}-12-1980", "nieuwsbrief": "ja" if number % 2 else "nee",
            "gewijzigd_op": f"2026-02-0{number + 1}T10:00:00Z",
        }
        for number, person in enumerate(PEOPLE)
    ]  # fmt: skip
    path = folder / "relaties.avro"
    with path.open("wb") as file:
        fastavro.writer(file, fastavro.parse_schema(schema), rows)
    return path


def advertising_costs(folder: Path) -> Path:
    """Spend per day and campaign as XML."""
    items = "".join(
        f"<Row><Day>2026-03-{day:02d}</Day><Campaign>Tea {campaign}</Campaign><Impressions>{day * 100}</Impressions>"
        f"<Clicks>{day}</Clicks><Spend>{day * 1.5:.2f}</Spend><Currency>EUR</Currency></Row>"
        for day in range(1, 11)
        for campaign in ("A", "B")
    )
    path = folder / "spend.xml"
    path.write_text(f'<?xml version="1.0"?><Report><Rows>{items}</Rows></Report>', encoding="utf-8")
    return path


def bare_calls(folder: Path) -> Path:
    """A file without a header."""
    path = folder / "cdr_20260301.csv"
    path.write_text(
        "".join(
            f'"{number}","+3161234567{number % 8}","2026-03-{number:02d} 10:00:0{number % 10}","{number * 3}","ANSWERED"\n'
            for number in range(1, 25)
        ),
        encoding="utf-8",
    )
    return path
