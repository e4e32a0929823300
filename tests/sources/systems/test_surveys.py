"""SurveyMonkey, Typeform, Qualtrics tables and older layout: scores on their scale, partial answers, invitations."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from sources.recognise import recognise
from sources.spec import SourceCatalog
from tests.sources.systems.conftest import Mapped, identifiers

Run = Callable[..., Mapped]

SCORE = ("score_kind", "score_raw", "score_min", "score_max")


def scores(mapped: Mapped) -> list[tuple[object, ...]]:
    return sorted(tuple(row[name] for name in SCORE) for row in mapped.rows if row["score_kind"])


@pytest.mark.shared
def test_surveymonkey_two_header_rows(run: Run, shared: Path) -> None:
    mapped = run("surveymonkey.response", shared / "_format_fixtures" / "surveymonkey_responses.csv")
    assert mapped.balances() and mapped.row_count == 1
    assert scores(mapped) == [("ces", 6, 1, 7), ("nps", 9, 0, 10)]
    row = mapped.rows[0]
    # Month first, half-day clock: 03/08/2026 09:02:00 AM.
    assert (row["occurred_at"], row["duration_seconds"]) == (datetime(2026, 3, 8, 9, 2), 120)
    assert identifiers(row) == {("email", "anna.devries@example.com"), ("customer_number", "10001")}
    assert row["outcome"] == "success"


MONKEY = (
    "Respondent ID,Collector ID,Start Date,End Date,IP Address,Email Address,First Name,Last Name,Custom Data 1,"
    "How likely is it that you would recommend us?,Which did you use?,\n"
    ",,,,,,,,,Response,Shop,Phone\n"
)


def test_surveymonkey_left_half_way_and_outside_the_scale(run_text: Run) -> None:
    mapped = run_text(
        "surveymonkey.response",
        MONKEY
        + "1,C,03/08/2026 09:00:00 AM,,192.0.2.1,,,,0010002,,Shop,\n"
        + "2,C,03/08/2026 01:00:00 PM,03/08/2026 01:02:00 PM,192.0.2.1,,,,,11,,Phone\n",
    )
    assert mapped.balances()
    half, outside = mapped.where()
    assert (half["outcome"], half["occurred_at"], half["score_kind"]) == ("partial", datetime(2026, 3, 8, 9), None)
    assert identifiers(half) == {("customer_number", "10002")}
    # The contract refuses a score outside its scale; the mapping hands both on for it to see that.
    assert [outside[name] for name in SCORE] == ["nps", 11, 0, 10]


def test_surveymonkey_of_an_anonymous_survey(run: Run, catalog: SourceCatalog, tmp_path: Path) -> None:
    path = tmp_path / "anonymous.csv"
    path.write_text(
        "Respondent ID,Collector ID,Start Date,End Date,IP Address,How satisfied are you?,Age\n,,,,,Response,Response\n"
        "1001,C1,03/08/2026 09:00:00 AM,03/08/2026 09:01:00 AM,,4,28\n",
        encoding="utf-8",
    )
    found = recognise(path, catalog)
    assert found.exports == ("surveymonkey.response",), found.message
    [answer] = run("surveymonkey.response", path).rows
    assert (answer["score_kind"], answer["score_raw"], identifiers(answer)) == ("csat", 4, set())


@pytest.mark.shared
def test_typeform(run: Run, shared: Path) -> None:
    mapped = run("typeform.response", shared / "_format_fixtures" / "typeform_responses.csv")
    assert mapped.balances()
    anna, bram = mapped.where()
    assert (anna["occurred_at"], anna["duration_seconds"]) == (datetime(2026, 3, 8, 9, 5, 40), 26)
    assert [anna[name] for name in SCORE] == ["nps", 9, 0, 10]
    assert anna["attributes"]["comment"] == "Fast delivery,\nnice packaging"
    assert identifiers(anna) == {("customer_number", "10001")}
    assert (bram["score_raw"], identifiers(bram)) == (4, {("customer_number", "10002")})


def test_typeform_partial_and_empty_responses(run_text: Run) -> None:
    mapped = run_text(
        "typeform.response",
        "#,How satisfied are you?,email,Start Date (UTC),Submit Date (UTC),Network ID,Response Type,Stage Date (UTC)\n"
        "a,4,anna@example.org,2026-03-01 10:00:00,,n,partial,2026-03-01 10:01:00\n"
        "b,,,2026-03-01 10:00:00,,n,started,\n",
    )
    assert mapped.balances() and mapped.skipped == {"not_answered": 1}
    [row] = mapped.rows
    assert (row["outcome"], row["occurred_at"]) == ("partial", datetime(2026, 3, 1, 10, 1))
    assert [row[name] for name in SCORE] == ["csat", 4, 1, 5]


@pytest.mark.shared
def test_qualtrics_older_layout(run: Run, shared: Path) -> None:
    mapped = run("qualtrics.response_legacy", shared / "qualtrics_csv" / "sample_legacy.csv")
    # Two header rows, and an empty last column.
    assert mapped.balances() and mapped.row_count == 1
    [row] = mapped.rows
    assert (row["occurred_at"], row["duration_seconds"]) == (datetime(2017, 7, 18, 8, 28, 48), 39)
    assert (row["outcome"], row["score_kind"], identifiers(row)) == ("success", None, set())
    assert row["objects"] == [{"type": "survey_response", "id": "R_2YPOQ602ER1jkf1", "qualifier": "subject"}]


@pytest.mark.shared
def test_qualtrics_tables(run: Run, shared: Path) -> None:
    folder = shared / "qualtrics_tables"
    answered = run(
        "qualtrics.survey_response",
        folder / "survey_response.csv",
        question_response=folder / "question_response.csv",
        question=folder / "question.csv",
    )
    assert answered.balances()
    # All five are unfinished, at the end of the session and not when the survey tool closed them.
    assert {row["outcome"] for row in answered.rows} == {"partial"}
    [row] = answered.of_object("survey_response", "R_3lDZ9xxqR5Ptexd")
    assert (row["occurred_at"], row["duration_seconds"]) == (datetime(2023, 2, 28, 12, 40, 15), 32)
    assert identifiers(row) == {("email", "uf4ec4c48@example.org"), ("qualtrics.response", "R_3lDZ9xxqR5Ptexd")}
    asked = run("qualtrics.distribution_contact", folder / "distribution_contact.csv")
    assert asked.balances()
    # Four invitations were sent and opened, one is pending. An invitation is no score.
    assert (asked.types, asked.skipped) == ({"survey_sent": 4, "email_opened": 4}, {"not_sent": 1})
    assert not {name for row in asked.rows for name in SCORE if row.get(name) is not None}
    sent = asked.of_object("survey_invitation", "EMD_Q8AiTuBzgLZsODX")[0]
    assert (sent["touchpoint_type"], sent["occurred_at"]) == ("survey_sent", datetime(2023, 3, 28, 7, 17, 14, 896000))
    assert identifiers(sent) == {("qualtrics.contact", "CID_4NG7JC9R7VTmHYi")}
    people = run("qualtrics.directory_contact", folder / "directory_contact.csv")
    assert people.balances()
    [one] = [row for row in people.rows if ("qualtrics.contact", "CID_0VVnnbsmkvMGyrj") in identifiers(row)]
    assert identifiers(one) == {
        ("qualtrics.contact", "CID_0VVnnbsmkvMGyrj"),
        ("email", "ua4ef46e7@example.org"),
        ("phone", "3232323"),
    }


def test_qualtrics_tables_with_scores(run_text: Run) -> None:
    mapped = run_text(
        "qualtrics.survey_response",
        "id,survey_id,distribution_channel,duration_in_seconds,finished,progress,recorded_date,end_date,status\n"
        "R_1,SV_1,email,30,1,100,2026-03-01 10:01:00,2026-03-01 10:00:30,0\n"
        "R_2,SV_1,preview,30,1,100,2026-03-01 10:01:00,2026-03-01 10:00:30,0\n",
        question_response="response_id,question_id,question,question_option_key,sub_question_key,text,value\n"
        "R_1,QID1,NPS,,,,9\nR_1,QID2,Other,,,,3\nR_1,QID3,CES,,,,2\n",
        question="id,survey_id,data_export_tag,question_text,question_type,selector\n"
        "QID1,SV_1,Q_NPS,t,MC,NPS\nQID2,SV_1,Q2,t,MC,x\nQID3,SV_1,CES,t,MC,x\nQID1,SV_2,Q_CSAT,t,MC,x\n",
        survey="id,survey_name,survey_status,project_type,owner_id,last_modified\n"
        "SV_1,Old name,Active,CX,u,2026-01-01 00:00:00\nSV_1,After the move,Active,CX,u,2026-02-01 00:00:00\n",
    )
    assert {row["subject"] for row in mapped.rows} == {"After the move"}
    assert mapped.balances() and mapped.skipped == {"preview": 1}
    assert scores(mapped) == [("ces", 2, 1, 7), ("nps", 9, 0, 10)]


def test_qualtrics_times_stand_in_the_zone_of_the_import_id(run_text: Callable[..., Mapped]) -> None:
    names = "StartDate,EndDate,RecordedDate,ResponseId,Finished,DistributionChannel,Status,nps"
    zone = '"{""ImportId"":""startDate"",""timeZone"":""America/Denver""}"'
    ids = ",".join([zone, *(['"{""ImportId"":""x""}"'] * 7)])
    row = "2026-07-01 12:00:00,2026-07-01 12:05:00,2026-07-01 12:05:00,R_1,1,email,0,9"
    [answer] = run_text("qualtrics.response", f"{names}\n{names}\n{ids}\n{row}\n").rows
    # Denver is six hours behind in July.
    assert answer["occurred_at"] == datetime(2026, 7, 1, 18, 5)
