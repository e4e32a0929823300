"""What the report says in a language: texts from `texts.yaml`, names of touchpoint types from the catalogue.

Does not belong here: number formats (`pipelines/drawing/numbers.py`).
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from models.catalogue import load_catalogue
from models.yaml_text import read_yaml
from pipelines.drawing.numbers import UNITS, Formatter

# A measure over the last so many days: `ticket_count_30_days`.
WINDOW = re.compile(r"(.+)_(\d+)_days")
LANGUAGES = {"en": "English", "nl": "Nederlands", "da": "Dansk"}


@cache
def texts() -> dict[str, dict[str, Any]]:
    """Content of texts.yaml: section → key → language → text."""
    path = Path(__file__).with_name("texts.yaml")
    content: dict[str, dict[str, Any]] = read_yaml(path.read_text(encoding="utf-8"))
    return content


class Words:
    """The words of one language and its number formats."""

    def __init__(self, language: str, currency: str) -> None:
        self.language = language
        self.format = Formatter(language, currency)
        self._label = f"label_{language}"

    def say(self, key: str, **values: Any) -> str:
        """Text `section.key[.part]` with `{name}` filled in; of a `count` of "1", the text `…_one` where there is one."""
        section, *path = key.split(".")
        found: Any = texts()[section]
        for part in path:
            found = found[part]
        if values.get("count") == "1" and self.has(f"{key}_one"):
            return self.say(f"{key}_one", **values)
        text: str = found[self.language]
        return text.format(**values) if values else text

    def has(self, key: str) -> bool:
        """Whether there is such a text."""
        section, *path = key.split(".")
        found: Any = texts()[section]
        for part in path:
            if not isinstance(found, dict) or part not in found:
                return False
            found = found[part]
        return True

    def column(self, name: str) -> str:
        """Heading of a table column: the glossary's word, that of a window of days, else the name without underscores."""
        found = texts()["columns"].get(name)
        if found:
            return str(found[self.language])
        window = WINDOW.fullmatch(name)
        if window and window[1] in texts()["columns"]:
            return f"{self.column(window[1])}, {window[2]} {UNITS[self.language][-1]}"
        return name.replace("_", " ")

    def value(self, value: Any, kind: str = "") -> str:
        """A name from the data in the reader's words: touchpoint type, channel, phase, status; else as it stands.

        kind: the column's name, or "channel": a channel may be called as a touchpoint type is (chat, chatbot).
        """
        if value is None:
            return "–"
        text = str(value)
        found = texts()["values"].get(text)
        entry = load_catalogue().get(text)
        if entry is not None and not (found and kind.endswith("channel")):
            return str(getattr(entry, self._label))
        if found:
            return str(found[self.language])
        # what has a dot is the name of an export
        return text if "." in text else text.replace("_", " ")
