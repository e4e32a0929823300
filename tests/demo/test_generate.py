"""The demo company: deterministic, in the real layouts, of nobody, and as its truth says."""

from __future__ import annotations

import csv
import hashlib
import io
import ipaddress
import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from pipelines.demo.company import END, START, TIME_ZONE
from pipelines.demo.generate import GenerationSummary, generate
from pipelines.demo.sink import Nights, layout
from tests.demo.reading import content, count_records, header, objects, records

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "exports"
# Our file -> the real file whose layout it has.
REAL = {
    "salesforce/contact": "salesforce_api/sf_contact_data.csv",
    "salesforce/lead": "salesforce_api/sf_lead_data.csv",
    "salesforce/task": "salesforce_api/sf_task_data.csv",
    "salesforce/event": "salesforce_api/sf_event_data.csv",
    "sap/kna1": "sap_tables/sap_kna1_data.csv",
    "sap/vbfa": "process_logs/sap_vbfa_subset.csv",
    "mailchimp/campaign": "mailchimp_tables/campaign.csv",
    "mailchimp/campaign_recipient": "mailchimp_tables/campaign_recipient.csv",
    "mailchimp/campaign_recipient_activity": "mailchimp_tables/campaign_recipient_activity.csv",
    "mailchimp/member": "mailchimp_tables/member.csv",
    "mailchimp/unsubscribe": "mailchimp_tables/unsubscribe.csv",
    "google_ads/campaign_stats": "google_ads_tables/campaign_stats_data.csv",
    "google_ads/campaign_history": "google_ads_tables/campaign_history_data.csv",
    "google_ads/account_history": "google_ads_tables/account_history_data.csv",
    "twilio/calls": "twilio_tables/twilio_call_data.csv",
    "flamingo/inbound": "_format_fixtures/flamingo_inbound.csv",
}
# Written in part: our columns must be some of the real ones, in their order.
PARTLY = {"sap/vbak": "sap_tables/sap_vbak_data.csv", "sap/bsad": "sap_tables/sap_bsad_bck_data.csv"}
ZENDESK = ("tickets", "users", "ticket_metrics", "satisfaction_ratings")
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data folder is not beside this checkout")


def digest(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below a folder."""
    return {
        p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


def test_equal_arguments_give_equal_bytes_and_another_seed_other_ones(tmp_path: Path) -> None:
    first, second, other = (
        generate(tmp_path / name, customers=150, seed=seed, nights=2).out
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    )
    assert digest(first) == digest(second)
    assert digest(first).keys() == digest(other).keys()
    assert digest(first)["exports/night_01/sap/kna1.csv"] != digest(other)["exports/night_01/sap/kna1.csv"]


def test_generating_again_replaces_what_was_there(tmp_path: Path) -> None:
    generate(tmp_path, customers=60, nights=3)
    generate(tmp_path, customers=60, nights=1)
    assert [p.name for p in (tmp_path / "exports").iterdir()] == ["night_01"]


def test_exports_that_are_not_a_demo_company_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "orders.csv").write_text("id\n1\n")
    with pytest.raises(ValueError, match="was not made by this command"):
        generate(tmp_path, customers=10, nights=1)
    assert (tmp_path / "exports" / "orders.csv").read_text() == "id\n1\n"


@pytest.mark.parametrize(("customers", "nights"), [(0, 1), (1_000_000, 1), (10, 0), (10, 31)])
def test_impossible_arguments_are_refused_with_the_value(tmp_path: Path, customers: int, nights: int) -> None:
    with pytest.raises(ValueError, match=r"must be between .* not (0|31|1,000,000)"):
        generate(tmp_path, customers=customers, nights=nights)


def test_with_a_visitor_cookie_only_the_web_log_is_another(tmp_path: Path) -> None:
    """The same lines with a cookie behind them: one a device, on all days, for four devices in five."""
    plain = generate(tmp_path / "plain", customers=80, nights=1).out
    marked = generate(tmp_path / "marked", customers=80, nights=1, visitor_cookie=True).out
    seen = {row["ip"] + row["agent"] for row in pl.read_parquet(plain / "truth/web_visitor.parquet").to_dicts()}
    cookies: dict[str, set[str]] = {}
    for file in sorted((plain / "exports/night_01/web").iterdir()):
        name = file.relative_to(plain)
        # A byte that is no UTF-8 and a line that breaks off are planted in the newest.
        lines, bare = ((out / name).read_text(encoding="latin-1").splitlines() for out in (marked, plain))
        for line, other in zip(lines, bare, strict=True):
            if line == other:
                assert not line.endswith('"')
                continue
            text, _, cookie = line.removesuffix('"').rpartition(' "')
            assert text == other
            cookies.setdefault(other.split()[0] + other.split('"')[-2], set()).add(cookie)
    assert cookies.keys() >= seen
    # People of one household may look alike: the same address and the same browser.
    assert sum(len(cookies[device]) == 1 for device in seen) > 0.95 * len(seen)
    values = [min(cookies[device]) for device in seen]
    assert 0.7 < sum(value != "-" for value in values) / len(values) < 0.9
    assert len(set(values) - {"-"}) > 0.95 * sum(value != "-" for value in values)
    assert {*cookies} - seen and all(cookies[robot] == {"-"} for robot in {*cookies} - seen)
    different = {
        key.rpartition("/web/")[1] or key for key, value in digest(plain).items() if digest(marked)[key] != value
    }
    assert different == {
        "/web/",
        "touchpoint360.yaml",
        "truth/file.parquet",
        "truth/touchpoint.parquet",
        "truth/broken_row.parquet",
    }


def test_one_customer_is_enough(tmp_path: Path) -> None:
    assert generate(tmp_path, customers=1, nights=1).touchpoint_count > 0


def test_progress_names_every_step_once(tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    generate(tmp_path, customers=30, nights=1, progress=lambda name, step, of: seen.append((name, step, of)))
    assert [step for _, step, _ in seen] == list(range(1, seen[0][2] + 1))


@needs_shared
@pytest.mark.shared
@pytest.mark.parametrize("export", sorted(REAL))
def test_header_is_the_real_systems_header(exports: Path, export: str) -> None:
    assert header(exports / "night_01" / f"{export}.csv") == header_of_real(REAL[export])


@needs_shared
@pytest.mark.shared
@pytest.mark.parametrize("export", sorted(PARTLY))
def test_partial_header_keeps_names_and_order(exports: Path, export: str) -> None:
    ours, real = header(exports / "night_01" / f"{export}.csv"), header_of_real(PARTLY[export])
    assert ours == [column for column in real if column in set(ours)]


def header_of_real(name: str) -> list[str]:
    """Header of a file of the shared folder."""
    with (SHARED / name).open(encoding="utf-8-sig", newline="") as file:
        return next(csv.reader(file))


@needs_shared
@pytest.mark.shared
@pytest.mark.parametrize("name", ZENDESK)
def test_zendesk_objects_have_only_real_fields(exports: Path, name: str) -> None:
    real = {key for record in objects(SHARED / "zendesk_api" / f"{name}.jsonl") for key in record}
    ours = {key for record in objects(exports / "night_01" / "zendesk" / f"{name}.jsonl") for key in record}
    assert ours
    assert ours <= real
    assert len(ours) >= 0.9 * len(real)


@needs_shared
@pytest.mark.shared
def test_survey_has_three_header_rows_with_the_real_standard_columns(exports: Path) -> None:
    rows = list(csv.reader(io.StringIO(content(exports / "night_01/qualtrics/survey.csv").decode(), newline="")))
    real = header_of_real("qualtrics_csv/sample.csv")
    assert rows[0][:17] == real[:17]
    assert len(rows[0]) == len(rows[1]) == len(rows[2])
    assert rows[2][0] == '{"ImportId":"startDate"}'


def test_forms_end_without_line_break_and_quote_everything(exports: Path) -> None:
    raw = (exports / "night_01/flamingo/inbound.csv").read_bytes()
    assert raw.startswith(b'"your-name","your-email"')
    assert raw.endswith(b'"')
    assert b'"\r\n"' in raw
    assert b"(Security Alert: " in raw


def every_text(folder: Path) -> dict[str, str]:
    """Text of every export file."""
    return {str(p.relative_to(folder)): content(p).decode("utf-8", "replace") for p in folder.rglob("*") if p.is_file()}


def test_only_reserved_domains(exports: Path) -> None:
    # Public services that stand in referrers, agents and namespaces; nobody's own address.
    services = {
        "www.google.com",
        "www.facebook.com",
        "www.instagram.com",
        "www.google.nl",
        "www.bing.com",
        "duckduckgo.com",
        "www.ecosia.org",
        "l.facebook.com",
        "www.linkedin.com",
        "www.youtube.com",
        "chatgpt.com",
        "www.perplexity.ai",
        "claude.ai",
        "www.mollie.com",
        "contactform7.com",
        "wordpress.org",
        "purl.org",
        "wellformedweb.org",
    }
    reserved = re.compile(r"(^|\.)(example|example\.(com|org|net))$")
    found: Counter[str] = Counter()
    for text in every_text(exports).values():
        found.update(re.findall(r"https?://([A-Za-z0-9.-]+)", text))
        found.update(host.rstrip(".") for host in re.findall(r"[\w.+-]@([A-Za-z0-9.-]+)", text))
    assert len(found) > 10
    assert [host for host in found if not reserved.search(host.lower()) and host not in services] == []


def test_only_documentation_addresses(exports: Path) -> None:
    nets = [ipaddress.ip_network(n) for n in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")]
    found = set()
    for name, text in every_text(exports).items():
        if "/web/" in name:
            found |= {line.split(" ", 1)[0] for line in text.splitlines()}
        if "/mailchimp/" in name or "/wordpress/" in name:
            found |= set(re.findall(r"(?<![\d.])\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?![\d.])", text))
    assert len(found) > 500
    assert [a for a in found if not any(ipaddress.ip_address(a) in net for net in nets)] == []


PHONE_COLUMNS = {
    "salesforce/contact.csv": ("phone", "mobile_phone", "home_phone"),
    "salesforce/lead.csv": ("phone", "mobile_phone"),
    "sap/kna1.csv": ("telf1", "telf2"),
    "sap/vbak.csv": ("telf1",),
    "flamingo/inbound.csv": ("your-phone",),
    "twilio/calls.csv": ("from", "to"),
}


def test_only_phone_numbers_that_nobody_has(exports: Path) -> None:
    seen = 0
    for night in sorted(exports.iterdir()):
        numbers = [
            record.get(column, "")
            for name, columns in PHONE_COLUMNS.items()
            for record in records(night / name)
            for column in columns
        ]
        numbers += [str(user["phone"] or "") for user in objects(night / "zendesk/users.jsonl")]
        for number in filter(None, numbers):
            digits = re.sub(r"\D", "", number.split(".) ")[-1])
            # National and international spellings of +31600…, +3119…, +4510…, +4511….
            assert re.fullmatch(r"(0600|31600)\d{6}|3119\d{7}|(00)?45(10|11)\d{6}|(10|11)\d{6}", digits), digits
            seen += 1
    assert seen > 2000


def test_postal_codes_do_not_exist(exports: Path) -> None:
    codes = {r["pstlz"] for r in records(exports / "night_01/sap/kna1.csv")}
    assert codes
    assert all(re.fullmatch(r"0\d{3}( [A-Z]{2})?", code) for code in codes)


def test_books_of_the_files(exports: Path, truth: Path, company: GenerationSummary) -> None:
    table = pl.read_parquet(truth / "file.parquet")
    on_disk = {p.relative_to(exports).as_posix(): p for p in exports.rglob("*") if p.is_file()}
    assert set(table["path"]) == set(on_disk)
    assert len(on_disk) == company.file_count
    for row in table.iter_rows(named=True):
        assert count_records(on_disk[row["path"]]) == row["row_count"], row["path"]
        assert on_disk[row["path"]].stat().st_size == row["byte_count"]
    assert table["row_count"].sum() == company.row_count


def test_broken_rows_stand_where_the_truth_says(exports: Path, truth: Path) -> None:
    broken = pl.read_parquet(truth / "broken_row.parquet")
    counts = dict(pl.read_parquet(truth / "file.parquet").select("path", "broken_row_count").iter_rows())
    assert {"invalid_utf8", "truncated_line", "invalid_date", "score_out_of_range"} == set(broken["kind"])
    assert dict(broken.group_by("path").len().iter_rows()) == {p: n for p, n in counts.items() if n}
    for row in broken.iter_rows(named=True):
        path = exports / row["path"]
        lines = content(path).split(b"\n")
        # No planted file has line breaks inside a record before the planted ones.
        first = {"survey.csv": 3}.get(path.name, 1 if path.suffix == ".csv" else 0)
        found = lines[first + row["row_number"] - 1].decode("utf-8", "backslashreplace")
        assert found == row["raw"]
        assert row["value"].encode().decode("unicode_escape") in found.encode().decode("unicode_escape")


def test_late_file_duplicate_file_and_repeated_rows_are_planted(exports: Path, truth: Path) -> None:
    table = pl.read_parquet(truth / "file.parquet")
    late = table.filter("is_late")
    assert set(late["path"]) == {"night_02/sap/vbfa_late.csv", "night_02/web/access-node2.log"}
    assert late["row_count"].min() > 0
    cut = Nights.make(3).cuts[0]
    newest = max(
        datetime.strptime(r["ERDAT"], "%Y%m%d").replace(tzinfo=UTC).timestamp()
        for r in records(exports / "night_02/sap/vbfa_late.csv")
    )
    assert newest < cut
    copies = table.filter("is_exact_copy")["path"].to_list()
    assert [(exports / p).read_bytes() for p in copies] == [(exports / "night_01/twilio/calls.csv").read_bytes()]
    old = set(content(exports / "night_01/mailchimp/campaign_recipient_activity.csv").split(b"\n"))
    new = content(exports / "night_02/mailchimp/campaign_recipient_activity.csv").split(b"\n")[1:]
    planted = table.filter(pl.col("path") == "night_02/mailchimp/campaign_recipient_activity.csv")["repeated_row_count"]
    assert sum(line in old for line in new if line) == planted.item()


def test_nights_hold_what_was_known_by_then(exports: Path) -> None:
    cuts = Nights.make(3).cuts
    assert cuts[-1] == END
    zone = ZoneInfo(TIME_ZONE)
    for number, cut in enumerate(cuts, start=1):
        night = exports / f"night_{number:02d}"
        created = [
            datetime.fromisoformat(r["created_date"]).replace(tzinfo=UTC).timestamp()
            for r in records(night / "salesforce/lead.csv")
        ]
        assert max(created) < cut
        stamps = [
            datetime.strptime(m, "%d/%b/%Y:%H:%M:%S %z").timestamp()
            for path in sorted((night / "web").glob("access.log*"))
            for m in re.findall(
                r"^\S+ - \S+ \[(\d\d/[A-Z][a-z]{2}/\d{4}:[^\]]+)\]", content(path).decode("utf-8", "replace"), re.M
            )
            if "/Foo/" not in m and not m.startswith("24/Mar/2026:10:00:00")
        ]
        previous = cuts[number - 2] if number > 1 else START
        assert previous <= min(stamps) <= max(stamps) < cut
        orders = [
            datetime.fromisoformat(f"{r['erdat']}T{r['erzet']}").replace(tzinfo=zone).timestamp()
            for r in records(night / "sap/vbak.csv")
            if len(r) == len(layout("sap/vbak")) and not r["vbeln"].startswith("00009999")
        ]
        assert max(orders) < cut


def test_one_night_holds_the_same_people_and_orders_as_three(company: GenerationSummary, tmp_path: Path) -> None:
    one = generate(tmp_path, customers=company.customer_count, seed=7, nights=1)
    assert digest(one.out / "truth")["touchpoint.parquet"] == digest(company.out / "truth")["touchpoint.parquet"]

    def lines(root: Path, pattern: str) -> Counter[bytes]:
        return Counter(line for path in root.glob(pattern) for line in content(path).split(b"\n") if line)

    for pattern in ("*/web/access*", "*/mailchimp/campaign_recipient.csv", "*/sap/bsad.csv"):
        single, several = lines(one.out / "exports", pattern), lines(company.out / "exports", pattern)
        # The header stands once per file.
        assert {k: v for k, v in single.items() if not k.startswith((b"campaign_id", b"_fivetran"))} == {
            k: v for k, v in several.items() if not k.startswith((b"campaign_id", b"_fivetran"))
        }


def test_a_changed_ticket_comes_again_in_its_new_state(exports: Path) -> None:
    def latest(night: str) -> dict[object, dict[str, object]]:
        return {t["id"]: t for t in objects(exports / night / "zendesk/tickets.jsonl")}

    first, later = latest("night_01"), latest("night_02") | latest("night_03")
    changed = [t for t in later.values() if t["id"] in first and t["updated_at"] != first[t["id"]]["updated_at"]]
    assert changed
    assert all(str(t["updated_at"]) > str(first[t["id"]]["updated_at"]) for t in changed)
    assert any(t["status"] == "solved" and first[t["id"]]["status"] != "solved" for t in changed)


def local_seconds(date: str, clock: str) -> datetime:
    """UTC of a local SAP date and time."""
    moment = datetime.strptime(date.replace("-", "") + clock.replace(":", ""), "%Y%m%d%H%M%S")
    return moment.replace(tzinfo=ZoneInfo(TIME_ZONE)).astimezone(UTC).replace(tzinfo=None)


def test_truth_times_are_the_times_of_the_rows(exports: Path, truth: Path) -> None:
    table = pl.read_parquet(truth / "touchpoint.parquet").with_columns(
        pl.col("export", "touchpoint_type").cast(pl.String)
    )

    def times(export: str, touchpoint_type: str) -> Counter[datetime]:
        rows = table.filter((pl.col("export") == export) & (pl.col("touchpoint_type") == touchpoint_type))
        return Counter(rows["occurred_at"].to_list())

    nights = sorted(exports.iterdir())
    orders = {
        r["vbeln"]: local_seconds(r["erdat"], r["erzet"])
        for n in nights
        for r in records(n / "sap/vbak.csv")
        if len(r) == len(layout("sap/vbak")) and not r["vbeln"].startswith("00009999")
    }
    assert Counter(orders.values()) == times("sap.vbak", "order_placed")
    flow = {
        (r["VBELV"], r["VBELN"], r["VBTYP_N"]): local_seconds(r["ERDAT"], r["ERZET"])
        for p in exports.glob("*/sap/vbfa*.csv")
        for r in records(p)
        if r["VBTYP_V"] in "CH"
    }
    for letter, name in (
        ("J", "order_shipped"),
        ("M", "invoice_sent"),
        ("H", "return_requested"),
        ("O", "credit_note"),
    ):
        assert Counter(v for k, v in flow.items() if k[2] == letter) == times("sap.vbfa", name)
    proofs = {r["vbeln"]: r for n in nights for r in records(n / "sap/likp.csv")}
    assert Counter(local_seconds(r["podat"], r["potim"]) for r in proofs.values() if r["podat"] != "00000000") == times(
        "sap.likp", "order_delivered"
    )
    answers = {
        r["ResponseId"]: r["EndDate"]
        for n in nights
        for r in records(n / "qualtrics/survey.csv")
        if not r["ResponseId"].startswith("R_demo9999")
    }
    assert Counter(map(datetime.fromisoformat, answers.values())) == times("qualtrics.response", "survey_answered")
    solved = {m["id"]: m["solved_at"] for n in nights for m in objects(n / "zendesk/ticket_metrics.jsonl")}
    assert Counter(datetime.fromisoformat(str(v)).replace(tzinfo=None) for v in solved.values() if v) == times(
        "zendesk.ticket_metric", "ticket_resolved"
    )
    calls = {r["id"]: r["start_time"] for n in nights for r in records(n / "twilio/calls.csv")}
    assert Counter(datetime.fromisoformat(v.replace(" UTC", "")) for v in calls.values()) == times(
        "twilio.call", "call_inbound"
    )


def test_web_requests_are_the_truths_touchpoints(exports: Path, truth: Path) -> None:
    kinds = {
        (r["method"], r["path"], r["status"]): r["touchpoint_type"]
        for r in pl.read_parquet(truth / "web_path.parquet").iter_rows(named=True)
    }
    bots = set(pl.read_parquet(truth / "bot.parquet")["ip"])
    owner = {
        (r["ip"], r["agent"]): r["person_id"]
        for r in pl.read_parquet(truth / "web_visitor.parquet").iter_rows(named=True)
    }
    line = re.compile(r'^(\S+) - (\S+) \[([^\]]+)\] "(\w+) ([^ ?]+)\S* HTTP/1.1" (\d+) \d+ "([^"]*)" "([^"]*)"$')
    seen: Counter[tuple[int, str, datetime]] = Counter()
    robots: Counter[str] = Counter()
    for path in exports.glob("*/web/*"):
        for text in content(path).decode("utf-8", "replace").splitlines():
            match = line.match(text)
            if match is None or (match[1] == "192.0.2.9" and "/Foo/" in text) or "\ufffd" in text:
                continue
            ip, _, stamp, method, page, status, _, agent = match.groups()
            if ip in bots:
                robots[ip] += 1
                continue
            touchpoint_type = kinds[(method, page, int(status))]
            if touchpoint_type is not None:
                at = datetime.strptime(stamp, "%d/%b/%Y:%H:%M:%S %z").astimezone(UTC).replace(tzinfo=None)
                seen[(owner[(ip, agent)], touchpoint_type, at)] += 1
    table = pl.read_parquet(truth / "touchpoint.parquet").filter(
        pl.col("export").cast(pl.String) == "access_log.request"
    )
    expected = Counter(
        (p, t, a)
        for p, t, a in table.select("person_id", pl.col("touchpoint_type").cast(pl.String), "occurred_at").iter_rows()
    )
    assert seen == expected
    assert robots == dict(pl.read_parquet(truth / "bot.parquet").select("ip", "request_count").iter_rows())


def test_identifiers_of_the_truth_stand_in_the_exports(exports: Path, truth: Path) -> None:
    table = pl.read_parquet(truth / "identifier.parquet")
    nights = sorted(exports.iterdir())
    contacts = {r["id"]: r for n in nights for r in records(n / "salesforce/contact.csv")}
    assert set(contacts) == set(table.filter(pl.col("identifier_type") == "salesforce.contact")["identifier_value"])
    users = {str(u["id"]): u for n in nights for u in objects(n / "zendesk/users.jsonl") if u["role"] == "end-user"}
    assert set(users) == set(table.filter(pl.col("identifier_type") == "zendesk.user")["identifier_value"])
    members = {r["id"]: r["email_address"] for r in records(nights[-1] / "mailchimp/member.csv")}
    assert set(members) == set(table.filter(pl.col("identifier_type") == "email_md5")["identifier_value"])
    assert all(hashlib.md5(email.encode()).hexdigest() == key for key, email in members.items())
    customers = {r["kunnr"].lstrip("0") for r in records(nights[-1] / "sap/kna1.csv")}
    assert customers <= set(table.filter(pl.col("identifier_type") == "customer_number")["identifier_value"])
    mails = {u["email"] for u in users.values()} | {r["email"].lower() for r in contacts.values() if r["email"]}
    assert mails <= set(table.filter(pl.col("identifier_type") == "email")["identifier_value"])


def test_households_and_mailboxes_are_shared_and_nothing_else_is(truth: Path) -> None:
    table = pl.read_parquet(truth / "identifier.parquet")
    household = pl.read_parquet(truth / "household.parquet")
    mailbox = pl.read_parquet(truth / "shared_mailbox.parquet")
    assert household.group_by("household_id").agg(pl.col("person_id").n_unique(), pl.col("address").n_unique()).select(
        "person_id", "address"
    ).unique().rows() == [(2, 1)]
    assert mailbox.group_by("mailbox_id").len()["len"].min() >= 2
    shared = set(table.filter("is_shared")["identifier_value"])
    assert shared
    assert shared <= set(household["shared_phone"]) | set(mailbox["email"])


def test_planted_causes_raise_the_drop_share(tmp_path: Path) -> None:
    out = generate(tmp_path, customers=6000, nights=1).out / "truth"
    for row in pl.read_parquet(out / "drop_off.parquet").iter_rows(named=True):
        assert row["exposed_count"] > 10
        assert row["drop_share"] > row["baseline_drop_share"] + 0.1, row["cause"]
    # What a touchpoint does to the score is found again by a straight regression on the answers.
    answers = pl.read_parquet(out / "survey_answer.parquet").filter(pl.col("kind") == "nps")
    effects = pl.read_parquet(out / "touchpoint_effect.parquet")
    import numpy as np

    flags = answers.select(effects["experience"].to_list()).to_numpy().astype(float)
    design = np.column_stack([np.ones(len(answers)), flags])
    solution = np.linalg.lstsq(design, answers["score"].to_numpy().astype(float), rcond=None)[0][1:]
    residual = (
        answers["score"].to_numpy() - design @ np.linalg.lstsq(design, answers["score"].to_numpy(), rcond=None)[0]
    )
    error = np.sqrt(np.diag(np.linalg.inv(design.T @ design)) * residual.var())[1:]
    assert np.all(np.abs(solution - effects["planted_points"].to_numpy()) < 4 * error)


def test_every_truth_table_is_described(truth: Path) -> None:
    text = (truth / "README.md").read_text(encoding="utf-8")
    described = dict(re.findall(r"^\| `(\w+)` \|[^|]+\| (.+) \|$", text, re.M))
    for path in truth.glob("*.parquet"):
        named = set(re.findall(r"`(\w+)`", described[path.stem]))
        columns = set(pl.read_parquet_schema(path))
        if path.stem == "survey_answer":
            columns -= {
                "ticket_reopened",
                "delivered_late",
                "payment_failed",
                "long_call_wait",
                "service_visit",
                "fast_resolution",
            }
        assert columns <= named, path.stem


def test_identity_groups_follow_from_the_rows(exports: Path, truth: Path) -> None:
    """The helpdesk's users join second address, phone and customer number; a newsletter address alone joins nothing."""
    table = pl.read_parquet(truth / "identifier.parquet")
    group = {
        (t, v): (p, g)
        for p, t, v, s, g in table.select(
            "person_id", "identifier_type", "identifier_value", "is_shared", "identity_group"
        ).iter_rows()
        if not s
    }
    for night in sorted(exports.iterdir()):
        for user in objects(night / "zendesk/users.jsonl"):
            keys = [("zendesk.user", str(user["id"])), ("phone", str(user["phone"])), ("email", str(user["email"]))]
            if user["role"] == "end-user":
                assert len({group[key] for key in keys if key in group}) == 1
    several = table.group_by("person_id").agg(pl.col("identity_group").max()).filter(pl.col("identity_group") > 1)
    assert 0 < len(several) < 0.15 * table["person_id"].n_unique()
