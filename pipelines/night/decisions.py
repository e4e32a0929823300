"""The decisions of people about who is who: a CSV file that is read each night and sticks, because it names identifiers.

Belongs here: reading `identity.decisions`, finding its identifiers, and telling line by line what could not be used. Does not
belong here: what a decision does to a component (`models/identity.py`), and the review file a person fills in (`review.py`).

Format: a header with at least `left,right,decision`; left and right are `type:value` as `touchpoint360 explain` and
`touchpoint360 review` write them; decision is `same` or `different` (empty, `unsure` and `?` are left for later). Other columns
are kept out of the way. Of two lines about the same two identifiers the later one counts.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from models.configuration import Configuration
from models.naming import nearest
from models.normalise import normalise_identifiers
from pipelines.night.session import Session

COLUMNS = ("left", "right", "decision")
DECISIONS = ("same", "different")
UNDECIDED = ("", "unsure", "?")
# Nobody decides about more pairs by hand; a larger file is another file.
MAXIMUM_BYTES = 200 * 2**20
SHOWN_WARNINGS = 20


@dataclass(frozen=True)
class Decision:
    """One line that says something: its number in the file (the header is line 1) and its two ends as (type, value)."""

    line: int
    left: tuple[str, str]
    right: tuple[str, str]
    decision: str


class DecisionError(ValueError):
    """A decision file that cannot be read at all; the text says what, where and the next step."""


def prepare_decisions(session: Session) -> None:
    """Create the table of a new warehouse."""
    session.run(
        "create table if not exists state.main.decision "
        "(line_number integer, left_code integer, right_code integer, decision varchar)"
    )


def read_decisions(path: Path) -> tuple[list[Decision], list[str]]:
    """Decisions of a file, and a warning per line that cannot be used (shown without the values, which are personal).

    Raises DecisionError when the file cannot be read, is no text, or lacks a column.
    """
    try:
        if path.stat().st_size > MAXIMUM_BYTES:
            raise DecisionError(f"{path}: larger than 200 MB, so it is no file of decisions. Check identity.decisions.")
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise DecisionError(
            f"{path}: the decisions cannot be read ({error.strerror}). Correct identity.decisions, or set it to null."
        ) from None
    except UnicodeDecodeError as error:
        raise DecisionError(f"{path}: not UTF-8 at byte {error.start}. Save the decisions as UTF-8 text.") from None
    rows = csv.reader(io.StringIO(text), delimiter=csv_delimiter(text))
    decisions: list[Decision] = []
    warnings: list[str] = []
    places: list[int] | None = None
    try:
        for row in rows:
            if not any(cell.strip() for cell in row):
                continue
            if places is None:
                places = header_places(path, row)
                continue
            found = read_row(path, rows.line_num, row, places)
            if isinstance(found, str):
                warnings.append(found)
            elif found is not None:
                decisions.append(found)
    except csv.Error as error:
        raise DecisionError(f"{path}: line {rows.line_num} is not CSV ({error}). Correct the line.") from None
    if places is None:
        warnings.append(f"{path}: empty; no decisions are in force.")
    return decisions, warnings


def csv_delimiter(text: str) -> str:
    """Comma, or semicolon where the header has more of them: spreadsheets of half of Europe write it."""
    header = text.partition("\n")[0]
    return ";" if header.count(";") > header.count(",") else ","


def header_places(path: Path, row: list[str]) -> list[int]:
    """Where the needed columns stand; raises DecisionError naming those that lack."""
    names = [cell.strip().lower() for cell in row]
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        hints = ", ".join(f"{name}{nearest(name, names)}" for name in missing)
        raise DecisionError(f"{path}: the header lacks {hints}. A file of decisions begins with: {','.join(COLUMNS)}")
    return [names.index(name) for name in COLUMNS]


def read_row(path: Path, line: int, row: list[str], places: list[int]) -> Decision | str | None:
    """One line as a decision, as the text of a warning, or None when it leaves the matter open."""
    if max(places) >= len(row):
        return f"{path}: line {line}: ends before its decision ({len(row)} of {max(places) + 1} columns); the line is left out."
    left, right, decision = (row[place].strip() for place in places)
    word = decision.lower()
    if word in UNDECIDED:
        return None
    if word not in DECISIONS:
        return f"{path}: line {line}: decision {decision[:20]!r} is neither same nor different; the line is left out."
    ends = []
    for name, text in (("left", left), ("right", right)):
        kind, colon, value = text.partition(":")
        if not colon or not kind.strip() or not value.strip():
            return f"{path}: line {line}: {name} is not written type:value (such as email:anna@example.org); left out."
        ends.append((kind.strip(), value.strip()))
    if ends[0] == ends[1]:
        return f"{path}: line {line}: left and right are one identifier; the line is left out."
    return Decision(line, ends[0], ends[1], word)


def take_decisions(session: Session, configuration: Configuration) -> list[str]:
    """Bring `state.decision` up to date with the file; fills `scratch.main.decided_code`; returns warnings.

    Decided are the identifiers of decisions that are new or gone, or that name an identifier which is found only now.
    """
    path = configuration.identity.decisions
    decisions, warnings = read_decisions(path) if path is not None else ([], [])
    session.store("scratch.main.decision_end", coded_ends(configuration, decisions))
    session.run(
        """
        create or replace table scratch.main.coded_decision as
        select e.line_number, e.decision, e.is_left, i.identifier_code,
            f.identifier_code is not null as is_known, coalesce(i.is_blocked, false) as is_blocked
        from scratch.main.decision_end as e
        left join state.main.identifier as i
            on i.identifier_type = e.identifier_type and i.identifier_value = e.identifier_value
        left join state.main.identifier_seen as f on f.identifier_code = i.identifier_code
        """
    )
    for line, side, is_known, is_blocked in session.rows(
        "select line_number, case when is_left then 'left' else 'right' end, is_known, is_blocked "
        "from scratch.main.coded_decision where not is_known or is_blocked order by line_number, is_left desc"
    ):
        why = (
            "is an identifier that joins nobody (blocked)"
            if is_known and is_blocked
            else "is an identifier that no record has"
        )
        warnings.append(f"{path}: line {line}: {side} {why}; the line waits and changes nothing.")
    session.run(
        """
        create or replace table scratch.main.new_decision as
        select l.line_number, least(l.identifier_code, r.identifier_code) as left_code,
            greatest(l.identifier_code, r.identifier_code) as right_code, l.decision
        from scratch.main.coded_decision as l
        join scratch.main.coded_decision as r on r.line_number = l.line_number and l.is_left and not r.is_left
        where l.is_known and r.is_known and not l.is_blocked and not r.is_blocked
            and l.identifier_code <> r.identifier_code
        qualify row_number() over (partition by left_code, right_code order by l.line_number desc) = 1
        """
    )
    session.run(
        """
        create or replace table scratch.main.decided_code as
        with changed as (
            (select left_code, right_code, decision from scratch.main.new_decision
                except select left_code, right_code, decision from state.main.decision)
            union all
            (select left_code, right_code, decision from state.main.decision
                except select left_code, right_code, decision from scratch.main.new_decision)
        )
        select left_code as identifier_code from changed union select right_code from changed
        """
    )
    session.run("create or replace table state.main.decision as select * from scratch.main.new_decision")
    return shown(path, warnings)


def shown(path: Path | None, warnings: list[str]) -> list[str]:
    """The first warnings, and how many more there are."""
    more = len(warnings) - SHOWN_WARNINGS
    return warnings[:SHOWN_WARNINGS] + ([f"{path}: {more} more lines cannot be used."] if more > 0 else [])


def unmet_decisions(session: Session, configuration: Configuration) -> list[str]:
    """Warnings about decisions in force that the resolution could not follow: of shared identifiers, and against each other."""
    path = configuration.identity.decisions
    warnings = []
    for line, decision, side, reason in session.rows(
        """
        select d.line_number, d.decision,
            case when l.is_guarded then 'left' when r.is_guarded then 'right' end as side,
            case when l.is_guarded then l.guard_reason else r.guard_reason end as reason
        from state.main.decision as d
        join state.main.identifier_customer as l on l.identifier_code = d.left_code
        join state.main.identifier_customer as r on r.identifier_code = d.right_code
        where l.is_guarded or r.is_guarded or (l.customer_id = r.customer_id) <> (d.decision = 'same')
        order by d.line_number
        """
    ):
        if side is not None:
            why = f"names an identifier that joins nobody ({reason}); name the person by another one"
        else:
            why = f"{decision} does not hold, because other lines say otherwise about the people it is about"
        warnings.append(f"{path}: line {line}: {why}. The line changes nothing.")
    return shown(path, warnings)


def coded_ends(configuration: Configuration, decisions: list[Decision]) -> pa.Table:
    """Both ends of all decisions in normal form: `line_number`, `decision`, `is_left`, `identifier_type`, `identifier_value`."""
    ends = [(decision, is_left) for decision in decisions for is_left in (True, False)]
    named = [decision.left if is_left else decision.right for decision, is_left in ends]
    distinct = sorted(set(named))
    normal = normalise_identifiers(
        pa.table(
            {
                "identifier_type": pa.array([kind for kind, _ in distinct], pa.string()),
                "raw_value": pa.array([value for _, value in distinct], pa.string()),
                "country": pa.array(
                    [configuration.default_country if kind == "phone" else None for kind, _ in distinct], pa.string()
                ),
            }
        ),
        [],
        [],
    )
    value = dict(zip(distinct, normal["identifier_value"].to_pylist(), strict=True))
    return pa.table(
        {
            "line_number": pa.array([decision.line for decision, _ in ends], pa.int32()),
            "decision": pa.array([decision.decision for decision, _ in ends], pa.string()),
            "is_left": pa.array([is_left for _, is_left in ends], pa.bool_()),
            "identifier_type": pa.array([kind for kind, _ in named], pa.string()),
            "identifier_value": pa.array([value[end] for end in named], pa.string()),
        }
    )
