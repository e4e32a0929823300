"""XML: records, inherited fields, nested values, and what is refused or breaks off."""

from __future__ import annotations

import json
import tracemalloc

from sources.read import parse
from tests.sources.core.helpers import make_spec, read_rows

FEED = """<?xml version="1.0"?>
<rss xmlns:wp="http://example.org/wp" xmlns:dc="http://example.org/dc">
<channel><title>Site</title>
<item><title>One &amp; only</title><dc:creator><![CDATA[ann]]></dc:creator><wp:post_id>7</wp:post_id>
  <category domain="tag" nicename="x">X</category>
  <wp:comment><wp:comment_id>1</wp:comment_id><wp:comment_content>hi</wp:comment_content></wp:comment>
  <wp:comment><wp:comment_id>2</wp:comment_id><title>own</title></wp:comment>
</item>
<item id="b"><title/><wp:post_id>8</wp:post_id><tag>p</tag><tag>q</tag></item>
</channel></rss>
"""
ITEM = {"format": "xml", "record": "item"}
COMMENT = {"format": "xml", "record": "wp:comment", "parent": {"item": ["wp:post_id", "title"]}}


def test_records_with_attributes_and_nested_values(tmp_path):
    path = tmp_path / "a.xml"
    path.write_text(FEED)
    result, rows = read_rows(path, make_spec(tmp_path, ITEM))
    first, second = rows
    assert (first["title"], first["dc:creator"], first["wp:post_id"]) == ("One & only", "ann", "7")
    assert json.loads(first["category"]) == [{"@domain": "tag", "@nicename": "x", "#text": "X"}]
    assert [item["wp:comment_id"] for item in json.loads(first["wp:comment"])] == ["1", "2"]
    assert (second["title"], second["@id"], json.loads(second["tag"])) == (None, "b", ["p", "q"])
    assert second["category"] is None
    assert result.format == "xml"


def test_records_within_another_take_its_fields(tmp_path):
    path = tmp_path / "a.xml"
    # A field that stands behind the records counts too.
    number = "<wp:post_id>7</wp:post_id>"
    path.write_text(FEED.replace(number, "").replace("\n</item>\n<item", number + "</item><item"))
    _, rows = read_rows(path, make_spec(tmp_path, COMMENT))
    assert [(row["wp:comment_id"], row["wp:post_id"], row["title"]) for row in rows] == [
        ("1", "7", "One & only"),
        ("2", "7", "own"),
    ]


def test_a_file_that_breaks_off_keeps_its_records(tmp_path):
    path = tmp_path / "a.xml"
    path.write_text(FEED[: FEED.index("<wp:comment_id>2")])
    _, rows = read_rows(path, make_spec(tmp_path, COMMENT))
    assert (rows[0]["wp:comment_id"], rows[0]["wp:post_id"]) == ("1", "7")
    assert "ends too early" in rows[-1]["_problem"]
    assert len(rows) == 2


def test_entities_are_refused(tmp_path):
    path = tmp_path / "a.xml"
    path.write_text('<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><r><item><t>&b;</t></item></r>')
    _, rows = read_rows(path, make_spec(tmp_path, ITEM))
    assert [("entities" in row["_problem"], row["_row"]) for row in rows] == [(True, 1)]


def test_memory_does_not_grow_with_the_file(tmp_path):
    def peak(count):
        path = tmp_path / f"{count}.xml"
        path.write_text("<r>" + f"<x><y>{'z' * 50}</y></x><item><t>{'v' * 50}</t></item>" * count + "</r>")
        spec = make_spec(tmp_path, ITEM)
        tracemalloc.start()
        try:
            assert parse(path, spec, tmp_path / "o.parquet").row_count == count
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    # Two batches against eight: what is kept is a batch, not the tree.
    assert peak(16_000) < peak(4_000) * 1.5
