"""Numbers, shares, durations, amounts and times as a reader of one language writes them.

Does not belong here: words (`pipelines/report/texts.yaml`) other than units, yes and no.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import Any

MISSING = "–"
# (group sign, decimal sign). Danish and Dutch write 1.234,5; English 1,234.5.
SIGNS = {"en": (",", "."), "nl": (".", ","), "da": (".", ",")}
YES_NO = {"en": ("yes", "no"), "nl": ("ja", "nee"), "da": ("ja", "nej")}
DAY = {"en": "day", "nl": "dag", "da": "dag"}
POINTS = {"en": "points", "nl": "procentpunten", "da": "procentpoint"}
UNITS = {
    "en": ("s", "min", "h", "days"),
    "nl": ("s", "min", "u", "dagen"),
    "da": ("s", "min", "t", "dage"),
}


@dataclass(frozen=True)
class Formatter:
    """Formats for one language (`en`, `nl` or `da`) and one base currency."""

    language: str
    currency: str

    def number(self, value: float | None, digits: int = 0) -> str:
        """`value` with grouped thousands."""
        if value is None or not math.isfinite(value):
            return MISSING
        group, point = SIGNS[self.language]
        text = f"{value:,.{digits}f}"
        if float(text.replace(",", "")) == 0:
            text = text.removeprefix("-")
        return text.replace(",", "\0").replace(".", point).replace("\0", group).replace("-", "−")

    def figure(self, value: float | None) -> str:
        """A number of unknown size: whole from 100 on, three significant digits below."""
        if value is None or not math.isfinite(value):
            return MISSING
        if value == int(value) or abs(value) >= 100:
            return self.number(value)
        if abs(value) < 0.0001:
            return self._beyond("<", 0.0001, 4) if value > 0 else self._beyond(">", -0.0001, 4)
        return self.number(value, max(0, 2 - math.floor(math.log10(abs(value)))))

    def _beyond(self, sign: str, limit: float, digits: int) -> str:
        return sign + self.number(limit, digits)

    def share(self, value: float | None, digits: int = 1) -> str:
        """A share of 0 to 1 as per cent; what is not nothing and not all is never written as such."""
        if value is None or not math.isfinite(value):
            return MISSING
        step = 10.0**-digits
        if 0 < 100 * value < step / 2:
            text = self._beyond("<", step, digits)
        elif 100 - step / 2 <= 100 * value < 100:
            text = self._beyond(">", 100 - step, digits)
        else:
            text = self.number(100 * value, digits)
        return text + ("%" if self.language != "da" else " %")

    def points(self, value: float | None) -> str:
        """A difference of shares as signed percentage points."""
        if value is None or not math.isfinite(value):
            return MISSING
        return ("+" if value > 0 else "") + self.number(100 * value, 1)

    def signed(self, value: float | None) -> str:
        """A difference with its sign."""
        if value is None or not math.isfinite(value):
            return MISSING
        return ("+" if value > 0 else "") + self.number(value, 0 if value == int(value) or abs(value) >= 100 else 1)

    def difference(self, column: str, value: float) -> str:
        """The difference of two values of a column, with its sign and unit."""
        if "_share" in column:
            return f"{self.points(value)} {POINTS[self.language]}"
        return f"{self.currency} {self.signed(value)}" if "_amount" in column else self.signed(value)

    def amount(self, value: float | None) -> str:
        """An amount in the base currency."""
        if value is None or not math.isfinite(value):
            return MISSING
        return f"{self.currency} {self.number(value, 2 if 0 < abs(value) < 100 else 0)}"

    def p_value(self, value: float) -> str:
        """A p-value, to three decimals."""
        return self._beyond("<", 0.001, 3) if value < 0.001 else self.number(value, 3)

    def duration(self, seconds: float | None) -> str:
        """Seconds in the largest unit that leaves a number of at least one."""
        if seconds is None or not math.isfinite(seconds):
            return MISSING
        second, minute, hour, day = UNITS[self.language]
        size = abs(seconds)
        if size < 60:
            return f"{self.number(seconds)} {second}"
        if size < 3600:
            return f"{self.number(seconds / 60)} {minute}"
        if size < 86_400:
            return f"{self.number(seconds / 3600, 0 if seconds % 3600 == 0 else 1)} {hour}"
        if size == 86_400:
            return f"{self.number(seconds / 86_400)} {DAY[self.language]}"
        return f"{self.number(seconds / 86_400, 0 if seconds % 86_400 == 0 else 1)} {day}"

    def moment(self, value: dt.datetime | dt.date | None) -> str:
        """A date, with the time where there is one; ISO order in every language."""
        if value is None:
            return MISSING
        return f"{value:%Y-%m-%d %H:%M}" if isinstance(value, dt.datetime) else f"{value:%Y-%m-%d}"

    def cell(self, column: str, value: Any) -> str:
        """A value of a table column, by what the column's name says it is."""
        if value is None:
            return MISSING
        if isinstance(value, bool):
            return YES_NO[self.language][0 if value else 1]
        if isinstance(value, dt.datetime | dt.date):
            return self.moment(value)
        if isinstance(value, int | float):
            if column.startswith("p_value"):
                return self.p_value(value)
            if "_share" in column or ("probability" in column and not column.endswith("_bin")):
                return self.share(value)
            if "_amount" in column:
                return self.amount(value)
            if "_seconds" in column:
                return self.duration(value)
            if column.endswith(("_id", "_number", "_code")) and isinstance(value, int):
                return str(value)
            return self.number(value) if isinstance(value, int) else self.figure(value)
        return str(value)
