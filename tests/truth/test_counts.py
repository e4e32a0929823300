"""Every touchpoint that the exports tell is released once, at its second; every planted defect stands in the books."""

from __future__ import annotations

import hashlib
from pathlib import Path

from tests.truth.conftest import Company


def test_released_touchpoints_are_the_expected_ones_per_export_and_type(company: Company) -> None:
    released = company.rows("select export, touchpoint_type, count(*) from truth.found group by all order by all")
    expected = company.rows("select export, touchpoint_type, touchpoint_count from truth.expected_count order by all")
    assert released == expected
    assert len(expected) >= 40


def test_counts_of_the_truth_add_up(company: Company) -> None:
    """People's touchpoints, robots' page requests and readable damaged rows are all there is."""
    people, robots, damaged = company.rows(
        "select sum(person_count), sum(robot_count), sum(damaged_count) from truth.expected_count"
    )[0]
    assert people == company.value("select count(*) from truth.touchpoint")
    # robots.txt, health checks and styles are no pages.
    assert robots == company.value("select sum(page_count) from truth.bot")
    assert damaged == company.value("select count(*) from truth.broken_row where expected = 'decoded'") == 1


def test_every_touchpoint_of_a_person_is_released_at_its_second(company: Company) -> None:
    """Compared as multisets of (export, type, second): no touchpoint is missing, moved or doubled.

    What is left over are the requests of robots and the search with a byte that is no UTF-8.
    """
    made = (
        "select cast(export as varchar) as e, cast(touchpoint_type as varchar) as t, occurred_at from truth.touchpoint"
    )
    found = "select export, touchpoint_type, occurred_at from truth.found"
    assert company.rows(f"{made} except all {found}") == []
    surplus = company.rows(
        f"select e.export, e.touchpoint_type, count(*) from ({found} except all {made}) as e group by all"
    )
    robots = company.value("select sum(robot_count) from truth.expected_count")
    assert sorted(surplus) == [("access_log.request", "page_view", robots), ("access_log.request", "site_search", 1)]


def test_times_that_are_known_to_the_day_only_say_so(company: Company) -> None:
    by_day = company.rows(
        "select distinct export, touchpoint_type from truth.found where occurred_at_precision = 'day'"
    )
    assert by_day == [("sap.bsad", "invoice_paid")]
    assert company.value("select bool_and(occurred_at_precision = 'day') from truth.found where export = 'sap.bsad'")


def file_id(path: Path) -> str:
    """The id the registry gives a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def test_every_planted_broken_row_is_in_quarantine(company: Company) -> None:
    """By file, row number and column.

    A score outside its scale is found in the canonical row, so the column has its name there. Exports that hold
    everything bring the same broken answer every night: it is quarantined once, from the file that came first, and a
    duplicate later.
    """
    planted = company.rows(
        """
        select path, row_number, kind,
            case when kind = 'score_out_of_range' then 'score_raw' else nullif("column", '') end
        from truth.broken_row where expected = 'quarantine'
        qualify row_number() over (partition by raw order by path) = 1
        """
    )
    log = "web/access"
    expected = {
        # A line of a log is one text before it is read: no column to name.
        (file_id(company.exports / path), row, None if log in path or kind == "truncated_line" else column)
        for path, row, kind, column in planted
    }
    assert len(expected) == len(planted) == 11
    found = company.rows("select file_id, row_number, column_name, reason, advice, raw from quarantine")
    assert {(file, row, column) for file, row, column, *_ in found} == expected
    assert len(found) == len(expected)
    assert all(reason and advice and raw for *_, reason, advice, raw in found)


def test_a_byte_that_is_no_utf8_stays_in_its_own_row(company: Company) -> None:
    assert company.rows("select subject from touchpoint where subject like 'caf%'") == [("caf\\xe9",)]


def test_every_row_of_every_file_is_in_the_books(company: Company) -> None:
    """Each exported file is known, with its number of records, as read, as a copy of the same bytes, or as empty."""
    book = {
        (path, file, export): (status, rows)
        for path, file, export, status, rows in company.rows(
            "select path, file_id, coalesce(source_export, ''), status, row_count from export_file"
        )
    }
    planted = company.rows("select path, export, row_count, byte_count from truth.file")
    assert len(planted) > 80
    read: dict[tuple[str, str], int] = {}
    for path, export, rows, size in planted:
        file = file_id(company.exports / path)
        status, counted = book[path, file, export if size else ""]
        assert status in ({"read", "duplicate"} if size else {"empty"}), path
        if size:
            read[file, export] = rows
            assert counted in (rows, None), path
    # A file of WordPress holds its pages too, which the generator does not count.
    counts = company.rows(
        "select file_id, source_export, row_count from reconciliation where source_export <> 'wordpress.post'"
    )
    assert {(file, export): rows for file, export, rows in counts} == read
    assert company.value("select count(*) from reconciliation where difference_count <> 0") == 0


def test_an_exact_copy_under_another_name_is_read_once(company: Company) -> None:
    copies = company.rows("select path from truth.file where is_exact_copy")
    assert copies
    for (path,) in copies:
        book = company.rows(
            f"select status from export_file where file_id = '{file_id(company.exports / path)}' order by status"
        )
        assert book == [("duplicate",), ("read",)]


def test_rows_that_came_in_an_earlier_night_are_duplicates_or_older_states(company: Company) -> None:
    """Per export: repeated rows = same content again (in a file or as a whole file) + rows that brought a newer state.

    The books cannot tell a changed row inside the planted overlap from a changed row outside it, so the older states
    give a range; where nothing changed the range is one number.
    """
    rows = company.rows(
        """
        with book as (
            select source_export as export, sum(duplicate_count) as same,
                sum(coalesce(cast(skipped_by_rule ->> 'superseded' as integer), 0)) as older
            from reconciliation group by 1
        ),
        copied as (
            select e.source_export as export, sum(r.row_count) as copied
            from export_file as e join reconciliation as r using (file_id) where e.status = 'duplicate' group by 1
        ),
        planted as (select export, sum(repeated_row_count) as repeated from truth.file group by 1)
        select export, same + coalesce(copied, 0), older, repeated
        from planted left join book using (export) left join copied using (export)
        """
    )
    outside = [row for row in rows if not row[1] <= row[3] <= row[1] + row[2]]
    assert outside == [], outside
    assert sum(row[3] for row in rows) > 3000
    assert sum(older == 0 for _, _, older, _ in rows) > 15


def test_late_rows_are_in_the_release_like_any_other(company: Company) -> None:
    late = company.rows("select path from truth.file where is_late order by path")
    assert [path for (path,) in late] == ["night_02/sap/vbfa_late.csv", "night_02/web/access-node2.log"]
    first_data_date = company.releases[0].summary["data_date_at"]
    for (path,) in late:
        count, newest = company.rows(
            f"""
            select count(*), max(occurred_at) < timestamp '{first_data_date}'
            from touchpoint where source_file_id = '{file_id(company.exports / path)}'
            """
        )[0]
        assert count > 0
        assert newest
