"""Numbers and dates as languages write them, columns made of others, trailing minus signs."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from sources.spec import STYLES, SpecError, load_spec
from tests.sources.core.helpers import make_spec, type_rows

WRONG = object()


def typed(tmp_path, style, kind, texts, **column):
    path = tmp_path / "a.csv"
    path.write_text("id|v\n" + "".join(f"{n}|{text}\n" for n, text in enumerate(texts)), encoding="utf-8")
    read = {"format": "csv", "delimiter": "|", "quote": "", "style": style}
    spec = make_spec(tmp_path, read, columns={"v": {"type": kind, **column}})
    return {text: WRONG if row["problem"] else row["v"] for text, row in zip(texts, type_rows(path, spec), strict=True)}


@pytest.mark.parametrize(
    ("style", "numbers"),
    [
        ("nl", {"1.234,50": 1234.5, "1234,5": 1234.5, "-1.234": -1234.0, "1,234.50": WRONG, "1.23": WRONG}),
        ("da", {"1.234,50": 1234.5, "0,5": 0.5}),
        ("de", {"1.234.567,89": 1234567.89, "1'234": WRONG}),
        ("fr", {"1 234,50": 1234.5, "1\u202f234,50": 1234.5, "1\u00a0234": 1234.0, "1.234": WRONG}),
        ("en", {"1,234.50": 1234.5, "1234.5": 1234.5, "1.234,50": WRONG, "1,23": WRONG}),
    ],
)
def test_numbers(tmp_path, style, numbers):
    assert typed(tmp_path, style, "decimal", list(numbers)) == numbers


THIRD = date(2026, 3, 4)


@pytest.mark.parametrize(
    ("style", "dates"),
    [
        ("nl", ["04-03-2026", "4/3/2026", "4 maart 2026", "4 mrt 2026", "4 mrt. 2026", "04-MRT-2026", "2026-03-04"]),
        ("da", ["04-03-2026", "4.3.2026", "4. marts 2026", "4 mar 2026"]),
        ("de", ["04.03.2026", "4.3.26", "4. März 2026", "4. MÄRZ 2026"]),
        ("fr", ["04/03/2026", "4 mars 2026"]),
        ("en", ["4 Mar 2026", "March 4, 2026", "Mar 4, 2026", "04-Mar-2026"]),
        ("en-us", ["03/04/2026", "March 4, 2026"]),
        ("en-gb", ["04/03/2026", "4 March 2026"]),
    ],
)
def test_dates_with_and_without_a_clock(tmp_path, style, dates):
    assert typed(tmp_path, style, "date", dates) == dict.fromkeys(dates, THIRD)
    times = [f"{text} 17:05" for text in dates if text != "2026-03-04"]
    assert typed(tmp_path, style, "timestamp", times) == dict.fromkeys(times, datetime(2026, 3, 4, 17, 5))


@pytest.mark.parametrize("style", sorted(STYLES))
def test_every_month_in_every_spelling(tmp_path, style):
    want = {}
    for number, spellings in enumerate(STYLES[style].months, 1):
        for word in spellings:
            want |= {f"2 {word} 2026": date(2026, number, 2), f"2 {word.upper()} 2026": date(2026, number, 2)}
    assert len(want) >= 24
    assert typed(tmp_path, style, "date", list(want)) == want


def test_what_is_not_of_the_style_is_no_date(tmp_path):
    for style, texts in {
        "en": ["03/04/2026", "04.03.2026"],
        "nl": ["4 märz 2026", "13/14/2026", "04-03-26", "maintenant 2026"],
        "en-us": ["13/04/2026", "03/04/26"],
        "fr": ["31/02/2026"],
    }.items():
        assert typed(tmp_path, style, "date", texts) == dict.fromkeys(texts, WRONG), style
    # A pattern with a four-digit year does not take a short one for the first century.
    assert typed(tmp_path, None, "date", ["03/04/26"], format="%m/%d/%Y") == {"03/04/26": WRONG}
    both = ["%m/%d/%Y", "%m/%d/%y"]
    assert typed(tmp_path, None, "date", ["03/04/26", "03/04/2026"], format=both) == {
        "03/04/26": THIRD, "03/04/2026": THIRD
    }  # fmt: skip


def test_a_format_of_its_own_wins_over_the_style_and_reads_its_month_names(tmp_path):
    found = typed(tmp_path, "nl", "timestamp", ["ma 4 mei 2026 10:00", "04-05-2026"], format="ma %d %b %Y %H:%M")
    assert found == {"ma 4 mei 2026 10:00": datetime(2026, 5, 4, 10), "04-05-2026": WRONG}


def test_an_own_decimal_sign_wins_over_the_style(tmp_path):
    spec = make_spec(tmp_path, {"format": "csv", "style": "nl", "decimal": "."})
    assert (spec.read.decimal, spec.read.thousands) == (".", None)
    with pytest.raises(SpecError, match="did you mean nl"):
        make_spec(tmp_path, {"format": "csv", "style": "nll"})


def test_trailing_minus(tmp_path):
    texts = ["1.234,50-", "5-", "5 -", "-5", "-5-", "-"]
    assert typed(tmp_path, "de", "decimal", texts, trailing_minus=True) == {
        "1.234,50-": -1234.5, "5-": -5.0, "5 -": -5.0, "-5": -5.0, "-5-": WRONG, "-": WRONG
    }  # fmt: skip
    assert typed(tmp_path, "de", "decimal", ["5-"]) == {"5-": WRONG}


def test_date_and_clock_in_two_columns_count_clock_changes(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(
        "id,day,clock\n1,20261025,023000\n2,20260329,023000\n3,20260704,120000\n4,20260704,000000\n5,,120000\n6,20260704,x\n"
    )
    spec = make_spec(
        tmp_path,
        {"format": "csv", "time_zone": "Europe/Amsterdam"},
        columns={
            "clock": {"empty": ["000000"]},
            "at": {"type": "timestamp", "from": ["day", "clock"], "format": ["%Y%m%d %H%M%S", "%Y%m%d"]},
        },
    )
    rows = type_rows(path, spec)
    assert [row["at"] for row in rows] == [
        datetime(2026, 10, 25, 0, 30), datetime(2026, 3, 29, 1, 30), datetime(2026, 7, 4, 10), datetime(2026, 7, 3, 22),
        None, None,
    ]  # fmt: skip
    assert [row["ambiguous_time_count"] for row in rows] == [1, 0, 0, 0, 0, 0]
    assert [row["impossible_time_count"] for row in rows] == [0, 1, 0, 0, 0, 0]
    assert [row["clock"] for row in rows][:4] == ["023000", "023000", "120000", None]
    assert [row["problem"] and row["problem"]["value"] for row in rows] == [None] * 5 + ["20260704 x"]


def test_digits_are_padded_and_other_texts_are_not(tmp_path):
    found = typed(tmp_path, None, "text", ["7", "0007", "12345", "7a", "-7"], pad=4)
    assert found == {"7": "0007", "0007": "0007", "12345": "12345", "7a": "7a", "-7": "-7"}


def test_a_file_s_own_column_does_not_hide_one_that_is_made(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("id,d,t,at\n1,2026-03-04,10:00,later\n")
    spec = make_spec(tmp_path, {"format": "csv"}, columns={"at": {"type": "timestamp", "from": ["d", "t"]}})
    (row,) = type_rows(path, spec)
    assert (row["at"], row["at_"]) == (datetime(2026, 3, 4, 10), "later")


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"a": {"from": ["b"]}, "b": {"from": ["c"]}}, "itself made of others"),
        ({"a": {"from": ["b"], "aliases": ["x"]}}, "has no aliases"),
        ({"a": {"frm": ["b"]}}, "did you mean from"),
    ],
)
def test_a_wrong_made_column_is_told(tmp_path, columns, says):
    with pytest.raises(SpecError, match=says):
        make_spec(tmp_path, {"format": "csv"}, columns=columns)


def test_style_changes_no_parsed_file(tmp_path):
    plain = make_spec(tmp_path, {"format": "csv"}, name="a")
    styled = make_spec(tmp_path, {"format": "csv", "style": "nl", "trailing_minus": True}, name="a")
    assert plain.read_hash == styled.read_hash
    assert plain.spec_hash != styled.spec_hash
    assert load_spec(styled.path).read.thousands == "."
