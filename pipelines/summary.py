"""The summary of a release: one screen that says what came in, what came out and what to look at.

Does not belong here: computing figures that the release does not already hold.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

from pipelines.warehouse import Release

# Characters of a line.
LINE = 118


def night_summary(release: Release) -> dict[str, Any]:
    """Figures of a release as plain values."""
    with duckdb.connect(str(release.data_file), read_only=True) as con:

        def rows(sql: str) -> list[tuple[Any, ...]]:
            return con.execute(sql).fetchall()

        counts = release.summary["row_counts"]
        unused = rows(
            "select path, status, message from export_file where status not in ('read', 'duplicate', 'empty') order by path"
        )
        return {
            "release_id": release.release_id,
            "folder": str(release.folder),
            "data_date_at": release.summary["data_date_at"],
            "created_at": release.summary["created_at"],
            "files_by_status": dict(rows("select status, count(*) from export_file group by status order by status")),
            "rows_read": rows("select coalesce(sum(row_count), 0) from reconciliation")[0][0],
            "rows": dict(
                zip(
                    ("mapped", "quarantined", "skipped", "duplicate"),
                    rows(
                        "select coalesce(sum(mapped_count), 0), coalesce(sum(quarantined_count), 0), "
                        "coalesce(sum(skipped_count), 0), coalesce(sum(duplicate_count), 0) from reconciliation"
                    )[0],
                    strict=True,
                )
            ),
            "touchpoints": counts.get("touchpoint", 0),
            "unidentified_touchpoints": rows("select count(*) from touchpoint where customer_id is null")[0][0],
            "bot_touchpoints": rows("select count(*) from touchpoint where is_bot")[0][0],
            "customers": counts.get("customer", 0),
            "journeys_by_status": {
                definition: {"converted": converted, "exited": exited, "dropped": dropped, "open": still_open}
                for definition, converted, exited, dropped, still_open in rows(
                    "select journey_definition, count(*) filter (where status = 'converted'), "
                    "count(*) filter (where status = 'exited'), "
                    "count(*) filter (where status = 'dropped'), count(*) filter (where status = 'open') "
                    "from journey group by 1 order by 1"
                )
            },
            "quarantine_by_export": dict(
                rows("select source_export, count(*) from quarantine group by 1 order by 2 desc, 1")
            ),
            "unused_files": [{"path": path, "status": status, "message": message} for path, status, message in unused],
            "identity_warnings": release.summary.get("night", {}).get("identity_warnings", []),
            "warnings": release.summary["checks"]["warnings"],
            "checks_passed": release.summary["checks"]["passed"],
        }


def fitting(items: list[str], width: int) -> str:
    """As many of the items, whole, as fit into so many characters, and how many do not."""
    shown = list(items)
    while len(shown) > 1 and len(", ".join(shown)) + (12 if len(shown) < len(items) else 0) > width:
        shown.pop()
    rest = len(items) - len(shown)
    return ", ".join(shown) + (f" and {rest} more" if rest else "")


def cut(line: str) -> str:
    """A line that is not longer than the summary is wide, with a sign where it was cut."""
    return line if len(line) <= LINE else line[: LINE - 1].rstrip() + "…"


def summary_text(summary: dict[str, Any], warehouse: Path) -> str:
    """The summary as text of at most a screen."""
    rows = summary["rows"]
    files = ", ".join(f"{count:,} {status}" for status, count in summary["files_by_status"].items())
    lines = [
        f"Release {summary['release_id']}, data until {summary['data_date_at'][:19].replace('T', ' ')} UTC",
        f"  files         {files or 'none'}",
        f"  rows read     {summary['rows_read']:,} = {rows['mapped']:,} mapped + {rows['quarantined']:,} quarantined"
        f" + {rows['skipped']:,} skipped by rule + {rows['duplicate']:,} duplicate",
        f"  touchpoints   {summary['touchpoints']:,} ({summary['unidentified_touchpoints']:,} without a customer, "
        f"{summary['bot_touchpoints']:,} by bots)",
        f"  customers     {summary['customers']:,}",
        f"  {'journeys':<16}{'converted':>12}{'exited':>12}{'dropped':>12}{'open':>12}",
    ]
    for definition, count in summary["journeys_by_status"].items():
        lines.append(f"    {definition:<14}" + "".join(f"{number:>12,}" for number in count.values()))
    if summary["quarantine_by_export"]:
        held = [f"{name} {count:,}" for name, count in summary["quarantine_by_export"].items()]
        lines.append(f"  quarantined   {fitting(held, LINE - 16)}")
    for file in summary["unused_files"][:5]:
        lines.append(cut(f"  not used      {file['path']}: {file['status']}. {file['message'] or ''}"))
    if len(summary["unused_files"]) > 5:
        lines.append(f"                and {len(summary['unused_files']) - 5} more (table export_file)")
    warned = [f"{w['table']}: {w['message']} ({w['offending_count']:,} rows)" for w in summary["warnings"]]
    lines.append(f"  checks        {summary['checks_passed']:,} passed, {len(warned)} warning(s)")
    lines.extend(cut(f"    {text}") for text in warned[:6])
    # Who looks in the morning has not seen the lines of the night.
    told = summary["identity_warnings"]
    if told:
        lines.append(f"  who is who    {len(told):,} line(s) to look at")
        lines.extend(cut(f"    {text}") for text in told[:6])
    lines += [
        f"  release       {warehouse}/current -> releases/{summary['release_id']}",
        f"  report        {warehouse}/current/report/index.html",
        "Next:",
        f'  touchpoint360 sql "from drop_off_point where is_marked order by dropped_share desc limit 10" --warehouse {warehouse}',
        f'  touchpoint360 sql "from channel_attribution" --warehouse {warehouse}',
        f"  touchpoint360 explore --warehouse {warehouse}",
        f"  touchpoint360 ui --warehouse {warehouse}",
    ]
    return "\n".join(lines)
