"""WordPress: comments of the real theme test export."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from tests.sources.systems.conftest import Mapped, identifiers

Run = Callable[..., Mapped]

WXR = """<?xml version="1.0" encoding="UTF-8" ?>
<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:wp="http://wordpress.org/export/1.2/">
<channel><wp:wxr_version>1.2</wp:wxr_version>
<item><title>Tips</title><link>https://shop.example.org</link><dc:creator>editor</dc:creator>
<wp:post_id>7</wp:post_id><wp:post_type>post</wp:post_type>
{comments}
</item></channel></rss>
"""
COMMENT = """<wp:comment><wp:comment_id>{id}</wp:comment_id><wp:comment_author>{author}</wp:comment_author>
<wp:comment_author_email>{email}</wp:comment_author_email><wp:comment_date>2026-03-01 11:00:00</wp:comment_date>
<wp:comment_date_gmt>{gmt}</wp:comment_date_gmt><wp:comment_content>Hi</wp:comment_content>
<wp:comment_approved>{approved}</wp:comment_approved><wp:comment_type>{type}</wp:comment_type>
<wp:comment_parent>0</wp:comment_parent><wp:comment_user_id>{user}</wp:comment_user_id></wp:comment>"""


def export(*comments: dict[str, str]) -> str:
    base = {
        "author": "Anna",
        "email": "anna@example.org",
        "gmt": "2026-03-01 10:00:00",
        "approved": "1",
        "type": "comment",
        "user": "0",
    }
    return WXR.format(comments="".join(COMMENT.format(**(base | comment)) for comment in comments))


@pytest.mark.shared
def test_comments_of_the_theme_test_data(run: Run, shared: Path) -> None:
    mapped = run("wordpress.comment", shared / "wordpress_wxr" / "themeunittestdata.wordpress.xml")
    assert mapped.balances()
    assert mapped.row_count == 33
    # 2 pingbacks and 2 trackbacks; comment 169, and 903, 910, 915, 920 under user id 24783058.
    assert mapped.skipped == {"not_a_customer": 4, "own_author": 5}
    assert mapped.types == {"comment_posted": 24}
    [anon] = mapped.of_object("comment", "167")
    # comment_date 10:49:28 is the site's clock, comment_date_gmt 00:49:28.
    assert anon["occurred_at"] == datetime(2007, 9, 4, 0, 49, 28)
    assert identifiers(anon) == {("email", "anon@example.com")}
    assert (anon["page_path"], anon["channel_detail"]) == ("/about/page-with-comments/", "page")
    assert {"type": "page", "id": "155", "qualifier": "on"} in anon["objects"]
    # Waiting for approval (0), and written all the same.
    [ken] = mapped.of_object("comment", "1016")
    assert ken["occurred_at"] == datetime(2014, 11, 30, 4, 3, 5)
    assert ken["attributes"]["is_approved"] is False
    [reply] = [row for row in mapped.of_object("comment", "906") if row["attributes"]["comment"] == "Comment Depth 03"]
    assert {"type": "comment", "id": "905", "qualifier": "reply_to"} in reply["objects"]
    assert reply["subject"] == "Template: Comments"


def test_who_is_no_customer(run_text: Run) -> None:
    mapped = run_text(
        "wordpress.comment",
        export(
            {"id": "1"},
            {"id": "2", "approved": "spam"},
            {"id": "3", "approved": "trash"},
            {"id": "4", "type": "pingback", "email": ""},
            {"id": "5", "author": "editor"},
            {"id": "6", "user": "3"},
        ),
    )
    assert mapped.balances()
    assert mapped.skipped == {"spam_or_trash": 2, "not_a_customer": 1, "own_author": 2}
    [row] = mapped.rows
    assert (row["occurred_at"], row["page_path"]) == (datetime(2026, 3, 1, 10), "/")


def test_empty_gmt_date_falls_back_on_the_clock_of_the_site(run_text: Run) -> None:
    [row] = run_text("wordpress.comment", export({"id": "1", "gmt": "0000-00-00 00:00:00"})).rows
    assert row["occurred_at"] == datetime(2026, 3, 1, 11)


@pytest.mark.shared
def test_posts_are_read_and_give_nothing(run: Run, shared: Path) -> None:
    posts = run("wordpress.post", shared / "wordpress_wxr" / "themeunittestdata.wordpress.xml")
    # 186 items, of which 18 say again what a post of the same id said.
    assert (posts.row_count, posts.problems, posts.superseded, posts.rows) == (186, [], 18, [])
