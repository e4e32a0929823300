"""What customers say: contact forms (Flamingo), comments (WordPress WXR) and survey answers (Qualtrics).

All three export everything each night. Flamingo writes the wall clock with its offset, WordPress
both clocks, Qualtrics UTC without zone (the setting of the user who exports).
"""

from __future__ import annotations

from html import escape

import polars as pl

from pipelines.demo import company as co
from pipelines.demo.behaviour import Behaviour
from pipelines.demo.company import START
from pipelines.demo.people import People
from pipelines.demo.sink import Broken, Sink, choose, layout, local, repeated_count, utc
from pipelines.demo.truth import Truth
from pipelines.demo.write_sap import national_phone

_ALERT = (
    "(Security Alert: Suspicious content is detected. See "
    "https://contactform7.com/heads-up-about-spreadsheet-vulnerabilities for details.) "
)
_SUBJECTS = ("Proefrit", "Delivery question", "Spørgsmål om service", "Quote")
_MESSAGES = (
    "Graag een proefrit.\nIk kan op zaterdag.",
    "When does it arrive?",
    'Passer batteriet til "City 3"?',
    "Please call back",
)
_COMMENTS = (
    "Goede tips, dank!",
    "Tak for artiklen.",
    "Helped me choose, thanks.",
    "Werkt dit ook in de winter?",
    "Super skøn tur!",
)
_REMARKS = ("", "Snel geholpen", "Leveringen tog for lang tid", "Fijne fiets", "")
_LABELS = (
    "Start Date",
    "End Date",
    "Response Type",
    "IP Address",
    "Progress",
    "Duration (in seconds)",
    "Finished",
    "Recorded Date",
    "Response ID",
    "Recipient Last Name",
    "Recipient First Name",
    "Recipient Email",
    "External Data Reference",
    "Location Latitude",
    "Location Longitude",
    "Distribution Channel",
    "User Language",
    "How likely are you to recommend Fjord & Polder?",
    "How easy was it to get your question solved?",
    "How satisfied are you with the visit of our mechanic?",
    "Anything else?",
)
_IMPORT_IDS = (
    "startDate",
    "endDate",
    "status",
    "ipAddress",
    "progress",
    "duration",
    "finished",
    "recordedDate",
    "_recordId",
    "recipientLastName",
    "recipientFirstName",
    "recipientEmail",
    "externalDataReference",
    "locationLatitude",
    "locationLongitude",
    "distributionChannel",
    "userLanguage",
    "QID1",
    "QID2",
    "QID3",
    "QID4_TEXT",
)


def write_feedback(people: People, behaviour: Behaviour, sink: Sink, truth: Truth) -> None:
    """Write flamingo/inbound.csv, wordpress/comments.xml and qualtrics/survey.csv of every night."""
    forms = _forms(people, behaviour)
    survey = _survey(people, behaviour)
    for night, cut in enumerate(sink.nights.cuts):
        since = sink.nights.since(night)
        seen = forms.filter(pl.col("at") < cut)
        sink.csv(
            "flamingo/inbound",
            night,
            seen.drop("at"),
            quote="always",
            line_end="\r\n",
            last_line_end=False,
            repeated=repeated_count(seen["at"], since),
            note="full table",
        )
        _write_comments(people, behaviour, sink, night, cut)
        answered = survey.filter(pl.col("at") < cut)
        sink.csv(
            "qualtrics/survey",
            night,
            answered.drop("at"),
            header=_survey_header(),
            broken=_broken_answers(),
            repeated=repeated_count(answered["at"], since) + (2 if night else 0),
            note="full table",
        )
    truth.touchpoint(behaviour.form, "form_submitted", "flamingo/inbound")
    truth.touchpoint(behaviour.comment, "comment_posted", "wordpress/comments")
    truth.touchpoint(behaviour.survey, "survey_answered", "qualtrics/survey")


def _forms(people: People, behaviour: Behaviour) -> pl.DataFrame:
    form = behaviour.form
    f = people.frame[form["person"].cast(pl.UInt32)].with_columns(form.select("at", "topic", "has_phone"))
    # Contact Form 7 marks values that a spreadsheet would run, so also every phone that starts with a plus.
    phone = (
        pl.when(pl.col("person") % 2 == 0)
        .then(pl.concat_str(pl.lit(_ALERT), "mobile"))
        .otherwise(
            pl.when(pl.col("country") == "DK")
            .then(pl.concat_str(pl.lit("0045"), pl.col("mobile").str.slice(3)))
            .otherwise(national_phone(pl.col("mobile")))
        )
    )
    offset = local("at", "%z")
    return f.select(
        "at",
        pl.col("full_name").alias("your-name"),
        pl.col("email").alias("your-email"),
        pl.when("has_phone").then(phone).otherwise(pl.lit("")).alias("your-phone"),
        choose(_SUBJECTS, "topic").alias("your-subject"),
        choose(_MESSAGES, "topic").alias("your-message"),
        pl.concat_str(local("at", "%Y-%m-%dT%H:%M:%S"), offset.str.slice(0, 3), pl.lit(":"), offset.str.slice(3)).alias(
            "Date"
        ),
    )


def _write_comments(people: People, behaviour: Behaviour, sink: Sink, night: int, cut: int) -> None:
    """WXR export: one item per article with its comments; every article also got one pingback."""
    comment = behaviour.comment.with_row_index("n", offset=1).filter(pl.col("at") < cut)
    f = people.frame[comment["person"].cast(pl.UInt32)]
    rows = comment.with_columns(
        f["full_name"],
        f["email"],
        when=local("at"),
        gmt=pl.from_epoch("at").dt.strftime("%Y-%m-%d %H:%M:%S"),
        body=choose(_COMMENTS, "text"),
    )
    since = sink.nights.since(night)
    parts = [_WXR_HEAD]
    count = 0
    for index, slug in enumerate(co.BLOG):
        parts.append(_item(index, slug))
        pingback = START + (20 + 9 * index) * 86_400 + 40_000
        if pingback < cut:
            stamp = pl.select(pl.from_epoch(pl.lit(pingback)).dt.strftime("%Y-%m-%d %H:%M:%S")).item()
            parts.append(
                _comment(
                    900_000 + index,
                    "Cycling blog",
                    "",
                    "https://cycling-blog.example/",
                    "203.0.113.240",
                    stamp,
                    stamp,
                    f"[&#8230;] {slug} [&#8230;]",
                    "pingback",
                )
            )
            count += 1
        for row in rows.filter(pl.col("article") == index).iter_rows(named=True):
            parts.append(
                _comment(
                    row["n"], row["full_name"], row["email"], "", "", row["when"], row["gmt"], row["body"], "comment"
                )
            )
            count += 1
        parts.append("\t</item>\n")
    parts.append("\t</channel>\n</rss>\n")
    sink.text(
        "wordpress/comments",
        night,
        "".join(parts),
        count,
        name="comments.xml",
        repeated=repeated_count(comment["at"], since),
        note="full export; rows = comments",
    )


_WXR_HEAD = f"""<?xml version="1.0" encoding="UTF-8" ?>
<!-- This is a WordPress eXtended RSS file generated by WordPress as an export of your site. -->
<rss version="2.0" xmlns:excerpt="http://wordpress.org/export/1.2/excerpt/" \
xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:wfw="http://wellformedweb.org/CommentAPI/" \
xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:wp="http://wordpress.org/export/1.2/">
\t<channel>
\t<title>{escape(co.COMPANY)}</title>
\t<link>{co.SITE}</link>
\t<description>E-bikes between fjord and polder</description>
\t<language>en</language>
\t<wp:wxr_version>1.2</wp:wxr_version>
\t<wp:base_site_url>{co.SITE}</wp:base_site_url>
\t<wp:base_blog_url>{co.SITE}</wp:base_blog_url>
\t<wp:author><wp:author_id>1</wp:author_id><wp:author_login><![CDATA[redactie]]></wp:author_login>\
<wp:author_email><![CDATA[redactie@fjordpolder.example]]></wp:author_email></wp:author>
"""


def _item(index: int, slug: str) -> str:
    date = f"2025-09-{10 + index:02d} 09:00:00"
    return f"""\t<item>
\t\t<title><![CDATA[{slug.replace("-", " ").capitalize()}]]></title>
\t\t<link>{co.SITE}/blog/{slug}</link>
\t\t<dc:creator><![CDATA[redactie]]></dc:creator>
\t\t<guid isPermaLink="false">{co.SITE}/?p={100 + index}</guid>
\t\t<description></description>
\t\t<content:encoded><![CDATA[<p>{slug.replace("-", " ")}</p>]]></content:encoded>
\t\t<wp:post_id>{100 + index}</wp:post_id>
\t\t<wp:post_date><![CDATA[{date}]]></wp:post_date>
\t\t<wp:post_date_gmt><![CDATA[{date.replace("09:", "07:")}]]></wp:post_date_gmt>
\t\t<wp:comment_status><![CDATA[open]]></wp:comment_status>
\t\t<wp:ping_status><![CDATA[open]]></wp:ping_status>
\t\t<wp:post_name><![CDATA[{slug}]]></wp:post_name>
\t\t<wp:status><![CDATA[publish]]></wp:status>
\t\t<wp:post_parent>0</wp:post_parent>
\t\t<wp:post_type><![CDATA[post]]></wp:post_type>
"""


def _comment(number: int, author: str, email: str, url: str, ip: str, date: str, gmt: str, body: str, kind: str) -> str:
    return f"""\t\t<wp:comment>
\t\t\t<wp:comment_id>{number}</wp:comment_id>
\t\t\t<wp:comment_author><![CDATA[{author}]]></wp:comment_author>
\t\t\t<wp:comment_author_email><![CDATA[{email}]]></wp:comment_author_email>
\t\t\t<wp:comment_author_url>{url}</wp:comment_author_url>
\t\t\t<wp:comment_author_IP><![CDATA[{ip}]]></wp:comment_author_IP>
\t\t\t<wp:comment_date><![CDATA[{date}]]></wp:comment_date>
\t\t\t<wp:comment_date_gmt><![CDATA[{gmt}]]></wp:comment_date_gmt>
\t\t\t<wp:comment_content><![CDATA[{body}]]></wp:comment_content>
\t\t\t<wp:comment_approved><![CDATA[1]]></wp:comment_approved>
\t\t\t<wp:comment_type><![CDATA[{kind}]]></wp:comment_type>
\t\t\t<wp:comment_parent>0</wp:comment_parent>
\t\t\t<wp:comment_user_id>0</wp:comment_user_id>
\t\t</wp:comment>
"""


def _survey(people: People, behaviour: Behaviour) -> pl.DataFrame:
    s = behaviour.survey
    f = people.frame[s["person"].cast(pl.UInt32)].with_columns(
        s.select("at", "number", "kind", "score", "order", "seconds")
    )
    score = pl.col("score").cast(pl.String)
    # The customer number is known where an order is behind the question.
    reference = pl.when(pl.col("order") >= 0).then("customer_number").otherwise(pl.lit(None))
    columns = dict(
        zip(
            layout("qualtrics/survey")[:17],
            (
                utc(pl.col("at") - pl.col("seconds")),
                utc("at"),
                pl.lit("0"),
                pl.lit(None, dtype=pl.String),
                pl.lit("100"),
                pl.col("seconds").cast(pl.String),
                pl.lit("1"),
                utc("at"),
                pl.concat_str(pl.lit("R_demo"), (pl.col("number").cast(pl.Int64) + 1_000_000).cast(pl.String)),
                pl.col("family_name"),
                pl.col("given_name"),
                pl.col("email"),
                reference,
                pl.lit(None, dtype=pl.String),
                pl.lit(None, dtype=pl.String),
                pl.lit("email"),
                pl.col("language").str.to_uppercase(),
            ),
            strict=True,
        )
    )
    return f.select(
        "at",
        **columns,
        NPS=pl.when(pl.col("kind") == 0).then(score),
        CES=pl.when(pl.col("kind") == 1).then(score),
        CSAT=pl.when(pl.col("kind") == 2).then(score),
        Remark=choose(_REMARKS, pl.col("number") % len(_REMARKS)).replace("", None),
    )


def _survey_header() -> bytes:
    names = layout("qualtrics/survey")
    ids = ['"{""ImportId"":""' + i + '""}"' for i in _IMPORT_IDS]
    return ("\n".join([",".join(names), ",".join(_LABELS), ",".join(ids)]) + "\n").encode()


def _broken_answers() -> list[Broken]:
    """Answers outside their scale. They stay in the survey tool, so every night's download has them again."""
    row = (
        b"2026-01-20 10:00:00,2026-01-20 10:01:00,0,,100,60,1,2026-01-20 10:01:00,R_demo999901,Testmans,Piet,"
        b"piet.testmans@example.org,,,,email,NL,11,,,"
    )
    other = (
        b"2026-01-21 10:00:00,2026-01-21 10:01:00,0,,100,60,1,2026-01-21 10:01:00,R_demo999902,Testmans,Piet,"
        b"piet.testmans@example.org,,,,email,NL,,9,,"
    )
    return [Broken(row, "score_out_of_range", "NPS", "11"), Broken(other, "score_out_of_range", "CES", "9")]
