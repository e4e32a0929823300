"""The example of docs/add-a-source.md works as printed."""

from __future__ import annotations

import re
from pathlib import Path

from sources.inspect import inspect_file
from sources.spec import load_catalog

PAGE = Path(__file__).parents[3] / "docs" / "add-a-source.md"


def test_the_example_reads_types_and_maps_a_file(tmp_path):
    text = PAGE.read_text(encoding="utf-8")
    files = re.findall(r"`my_systems/tea_shop/(\w+\.(?:yaml|sql))`[^\n]*\n\n```\w+\n(.*?)```", text, re.DOTALL)
    assert {name for name, _ in files} == {"system.yaml", "purchase.yaml", "purchase.sql"}
    folder = tmp_path / "my_systems" / "tea_shop"
    folder.mkdir(parents=True)
    for name, content in files:
        (folder / name).write_text(content, encoding="utf-8")
    path = tmp_path / "export.csv"
    path.write_text(
        "purchase_no;bought_at;e_mail;total;customer_group\n1;04-03-2026 10:00;ann@example.org;€ 1.234,50;\n"
        "2;29-03-2026 02:30;bo@example.org;5;staff\n3;2026-03-04;bo@example.org;5;\n",
        encoding="utf-8",
    )
    report = inspect_file(path, load_catalog([tmp_path / "my_systems"]))
    assert report.is_usable
    (reading,) = report.readings
    assert (reading.export, reading.mapped, reading.skipped) == ("tea_shop.purchase", 1, {"staff_purchase": 1})
    assert [(item.row, item.column) for item in reading.examples] == [(3, "bought_at")]
    assert (reading.identifiers, reading.time_from) == ({"email": 1}, "2026-03-04T09:00:00")
