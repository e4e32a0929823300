"""Meta Ads and Google Ads reports: spend per line, checked by hand, in the layouts and languages that they come in."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from sources.recognise import recognise
from sources.spec import SourceCatalog
from tests.sources.systems.conftest import Mapped, map_file

Run = Callable[..., Mapped]


@pytest.mark.shared
def test_google_report_without_its_titles_and_totals(run: Run, shared: Path) -> None:
    report = run("google_ads.campaign_report", shared / "_format_fixtures" / "google_ads_ui_campaign_report.csv")
    assert report.balances() and report.skipped == {"total": 2}
    found = sorted(
        (row["cost_date"], row["campaign_id"], row["cost_amount"], row["impression_count"], row["click_count"])
        for row in report.rows
    )
    assert found == [
        (date(2026, 3, 1), "12345678901", 12.34, 1234, 41),
        # "--" is no figure, not zero.
        (date(2026, 3, 2), "12345678901", None, 980, 0),
        (date(2026, 3, 2), "12345678902", 1040.10, 12034, 842),
    ]
    assert {row["currency"] for row in report.rows} == {"EUR"}
    assert sum(row["conversion_count"] for row in report.rows) == 42.5


@pytest.mark.shared
def test_google_report_for_excel(run: Run, shared: Path) -> None:
    path = shared / "_format_fixtures" / "google_ads_ui_campaign_report_excel.csv"
    report = run("google_ads.campaign_report", path)
    assert report.balances() and report.skipped == {"total": 1}
    [row] = report.rows
    assert (row["cost_date"], row["campaign_name"], row["cost_amount"]) == (date(2026, 3, 1), "Brand NL", 12.34)


DUTCH = (
    "Campagnerapport\n1 maart 2026 - 31 maart 2026\n"
    "Campagne,Dag,Campagne-ID,Valutacode,Kosten,Vert.,Klikken,Conversies,Apparaat\n"
    'Merk NL,2026-03-01,11,EUR,"1.040,10","12.034",842,"40,50",Mobiel\n'
    'Merk NL,2026-03-01,11,EUR,"2,50",10,1,"0,00",Computer\n'
    'Totaal: account, --, --,EUR,"1.042,60","12.044",843,"40,50", --\n'
)
GERMAN = (
    "Kampagnenbericht\n1. März 2026 - 31. März 2026\n"
    "Tag,Kampagne,Kampagnen-ID,Währungscode,Kosten,Impr.,Klicks,Conversions\n"
    '01.03.2026,Marke,12,EUR,"1.040,10","12.034",842,"40,50"\n'
)
FRENCH = (
    "Rapport sur les campagnes\n1 mars 2026 - 31 mars 2026\n"
    "Jour,Campagne,ID de campagne,Code de devise,Coût,Impr.,Clics,Conversions\n"
    '2026-03-01,Marque,13,EUR,"1\u202f040,10","12\u00a0034",842,"40,50"\n'
)
DANISH = (
    "Kampagnerapport\n1. marts 2026 - 31. marts 2026\n"
    "Dag,Kampagne,Kampagne-id,Valutakode,Omkostning,Eksp.,Klik,Konverteringer\n"
    '2026-03-01,Mærke,14,DKK,"1.040,10","12.034",842,"40,50"\n'
    'I alt: Konto,--,--,DKK,"1.040,10","12.034",842,"40,50"\n'
)


@pytest.mark.parametrize("text", [DUTCH, GERMAN, FRENCH, DANISH], ids=["nl", "de", "fr", "da"])
@pytest.mark.parametrize("excel", [False, True], ids=["csv", "excel"])
def test_google_report_in_four_languages(catalog: SourceCatalog, tmp_path: Path, text: str, excel: bool) -> None:
    path = tmp_path / "report.csv"
    if excel:
        # Tabs need no quotes around a comma.
        table = io.StringIO()
        csv.writer(table, delimiter="\t", lineterminator="\r\n").writerows(csv.reader(io.StringIO(text)))
        path.write_bytes(table.getvalue().encode("utf-16"))
    else:
        path.write_text(text, encoding="utf-8")
    found = recognise(path, catalog)
    assert found.export == "google_ads.campaign_report_local", found.message
    assert (found.detected.encoding, found.detected.delimiter) == (("utf-16", "\t") if excel else ("utf-8", ","))
    report = map_file(catalog, found.export, path, tmp_path)
    assert report.balances() and not report.problems
    first = max(report.rows, key=lambda row: row["cost_amount"])
    assert (first["cost_date"], first["cost_amount"], first["impression_count"], first["click_count"]) == (
        date(2026, 3, 1),
        1040.10,
        12034,
        842,
    )
    assert first["conversion_count"] == 40.5
    assert first["currency"] == ("DKK" if text is DANISH else "EUR")
    if text is DUTCH:
        # One day, one campaign, two devices.
        assert {row["channel_detail"] for row in report.rows} == {"google mobiel", "google computer"}
        assert report.skipped == {"total": 1}


def test_corrected_day_of_a_report_replaces_the_earlier_one(run_text: Run) -> None:
    head = "Campaign report\nMarch\nDay,Campaign,Campaign ID,Currency code,Cost,Impr.,Clicks\n"
    line = "2026-03-01,Brand,1,EUR,{},10,1\n"
    mapped = run_text("google_ads.campaign_report", head + line.format("1.00") + line.format("2.00"))
    assert mapped.balances() and (mapped.superseded, len(mapped.rows)) == (1, 1)


@pytest.mark.shared
def test_meta_report_has_the_currency_in_a_heading(run: Run, shared: Path) -> None:
    report = run("meta_ads.campaign_report", shared / "_format_fixtures" / "meta_ads_manager.csv")
    assert report.balances()
    found = sorted(
        (row["cost_date"], row["cost_amount"], row["currency"], row["impression_count"], row["click_count"])
        for row in report.rows
    )
    assert found == [(date(2026, 3, 1), 62.10, "EUR", 5400, 61), (date(2026, 3, 2), 60.0, "EUR", 5100, 58)]
    assert {row["campaign_name"] for row in report.rows} == {"Spring, tea lovers"}


@pytest.mark.parametrize(
    ("text", "export", "currency"),
    [
        (
            "Campagnenaam,Begin rapportage,Einde rapportage,Weergaven,Besteed bedrag (EUR)\n"
            "Lente,2026-03-01,2026-03-31,5400,1040.10\n",
            "meta_ads.campaign_report",
            "EUR",
        ),
        (
            "Kampagnenname;Berichtsbeginn;Berichtsende;Impressionen;Ausgegebener Betrag (CHF)\n"
            "Frühling;01.03.2026;31.03.2026;5.400;1.040,10\n",
            "meta_ads.campaign_report",
            "CHF",
        ),
        (
            "Nom de la campagne;Début des rapports;Fin des rapports;Impressions;Montant dépensé (USD)\n"
            'Printemps;01/03/2026;31/03/2026;"5 400";"1 040,10"\n',
            "meta_ads.campaign_report",
            "USD",
        ),
    ],
    ids=["nl", "de", "fr"],
)
def test_meta_report_of_a_period_counts_on_its_first_day(
    catalog: SourceCatalog, tmp_path: Path, text: str, export: str, currency: str
) -> None:
    path = tmp_path / "report.csv"
    path.write_text(text, encoding="utf-8-sig")
    found = recognise(path, catalog)
    assert found.export == export, found.message
    report = map_file(catalog, export, path, tmp_path)
    assert report.balances()
    [row] = report.rows
    assert (row["cost_date"], row["cost_amount"], row["currency"]) == (date(2026, 3, 1), 1040.10, currency)
    assert row["impression_count"] == 5400


def test_meta_report_per_ad_has_a_line_per_ad(run_text: Run) -> None:
    mapped = run_text(
        "meta_ads.campaign_report",
        "Reporting starts,Reporting ends,Campaign name,Ad set name,Ad name,Impressions,Amount spent (EUR)\n"
        "2026-03-01,2026-03-01,Spring,A,One,10,1.00\n2026-03-01,2026-03-01,Spring,A,Two,20,2.00\n"
        "2026-03-01,2026-03-01,,,,30,3.00\n",
    )
    assert mapped.balances() and mapped.skipped == {"total": 1}
    assert sum(row["cost_amount"] for row in mapped.rows) == 3.0


@pytest.mark.shared
def test_meta_tables(run: Run, shared: Path) -> None:
    folder = shared / "facebook_ads_tables"
    stats = run(
        "meta_ads.basic_ad",
        folder / "facebook_ads_basic_ad_data.csv",
        ad_history=folder / "facebook_ads_ad_history_data.csv",
        campaign_history=folder / "facebook_ads_campaign_history_data.csv",
    )
    assert stats.balances() and len(stats.rows) == 10
    # 76.53 + 55.26 + 54.87 + 49.2 + 144 + 56.63 + 49.95 + 51.56 + 55.11 + 50.52
    assert round(sum(row["cost_amount"] for row in stats.rows), 2) == 643.63
    [dear] = [row for row in stats.rows if row["cost_amount"] == 144.0]
    assert (dear["cost_date"], dear["impression_count"], dear["click_count"]) == (date(2020, 12, 2), 10701, 27)
    # Ad 6215762744671 belongs to campaign 6215762731271.
    assert (dear["campaign_id"], dear["campaign_name"]) == ("6215762731271", "eLLJhdWmFK6gTTwlV65RQQ==")
    assert dear["currency"] is None


def test_meta_account_gives_the_currency(run_text: Run) -> None:
    [row] = run_text(
        "meta_ads.basic_ad",
        "ad_id,date,account_id,impressions,inline_link_clicks,spend\n1,2026-03-01,77,10,1,2.50\n",
        account_history="id,name,currency,timezone_name,account_status\n77,Shop,DKK,Europe/Copenhagen,ACTIVE\n",
    ).rows
    assert (row["cost_amount"], row["currency"]) == (2.5, "DKK")
