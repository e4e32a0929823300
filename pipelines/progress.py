"""How a long command shows that it lives: one line per step, with rows, share and time left.

Belongs here: wording and printing progress. Does not belong here: what is done, logging of Dagster.
"""

from __future__ import annotations

import sys
import time
from typing import Protocol, TextIO


class Reporter(Protocol):
    """What a night tells while it runs."""

    def start(self, step: str) -> None:
        """A step begins."""

    def part(self, text: str, done: int, total: int) -> None:
        """Within a step: `done` of `total` pieces are ready."""

    def end(self, step: str, text: str) -> None:
        """A step has ended; `text` says what it did."""

    def skip(self, step: str) -> None:
        """A step had nothing to do."""

    def warn(self, text: str) -> None:
        """Something a person should correct, though the night goes on."""


class Silent:
    """Says nothing (tests, `--quiet`)."""

    def start(self, step: str) -> None:
        """Nothing."""

    def part(self, text: str, done: int, total: int) -> None:
        """Nothing."""

    def end(self, step: str, text: str) -> None:
        """Nothing."""

    def skip(self, step: str) -> None:
        """Nothing."""

    def warn(self, text: str) -> None:
        """Nothing."""


class Lines:
    """One line per step on a stream; on a terminal the line of the running step is updated in place.

    `total` is the number of steps, for the share and the time left (from the mean time of the steps so far).
    """

    def __init__(self, total: int, stream: TextIO | None = None) -> None:
        self.total = total
        self.stream = stream or sys.stderr
        self.live = self.stream.isatty()
        self.done = 0
        self.began = time.monotonic()
        self.step_began = self.began

    def start(self, step: str) -> None:
        """Announce a step."""
        self.step_began = time.monotonic()
        if not self.done:
            self.began = self.step_began
        if self.live:
            self._overwrite(f"[{self.done + 1:>3}/{self.total}] {step} …")
        else:
            self._line(f"[{self.done + 1:>3}/{self.total}] start {step}")

    def part(self, text: str, done: int, total: int) -> None:
        """Show how far the running step is (terminals only: a log file wants one line per step)."""
        if self.live and total:
            self._overwrite(f"[{self.done + 1:>3}/{self.total}] {text}: {done} of {total} ({done / total:.0%})")

    def end(self, step: str, text: str) -> None:
        """Write the finished line of a step."""
        self.done += 1
        now = time.monotonic()
        left = (now - self.began) / self.done * max(self.total - self.done, 0)
        # The first few steps say nothing about the rest.
        tail = f", about {left:.0f} s left" if left >= 2 and self.done * 20 >= self.total else ""
        line = f"[{self.done:>3}/{self.total}] {step:<34.34} {text[:44]:<44} {now - self.step_began:6.1f} s{tail}"
        if self.live:
            self._overwrite(line)
            self.stream.write("\n")
        else:
            self._line(line)
        self.stream.flush()

    def skip(self, step: str) -> None:
        """Count a step without a line: most sources a company could have send it nothing."""
        self.done += 1

    def warn(self, text: str) -> None:
        """Write a line of its own, in full."""
        if self.live:
            self.stream.write("\r\x1b[K")
        self._line(f"warning: {text}")

    def _overwrite(self, text: str) -> None:
        self.stream.write("\r\x1b[K" + text[:118])
        self.stream.flush()

    def _line(self, text: str) -> None:
        self.stream.write(text + "\n")
        self.stream.flush()
