"""What a command says while it works: nothing at first and where nobody looks, a line a second on a terminal."""

from __future__ import annotations

import io
import sys
import threading

import pytest

from pipelines.commands.common import working


class Terminal(io.StringIO):
    """Text of a terminal; `told` is set when something was written."""

    def __init__(self, is_terminal: bool) -> None:
        super().__init__()
        self.is_terminal = is_terminal
        self.told = threading.Event()

    def isatty(self) -> bool:
        return self.is_terminal

    def write(self, text: str) -> int:
        self.told.set()
        return super().write(text)


def test_a_terminal_is_told_and_left_clean(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal(True)
    monkeypatch.setattr(sys, "stderr", terminal)
    with working("counting"):
        assert terminal.told.wait(60)
    text = terminal.getvalue()
    assert "counting … 1 s" in text and text.endswith("\r\x1b[K")


def test_short_work_shows_nothing_but_a_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal(True)
    monkeypatch.setattr(sys, "stderr", terminal)
    with working("counting"):
        pass
    assert "counting" not in terminal.getvalue()


def test_a_file_is_told_nothing_and_errors_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    file = Terminal(False)
    monkeypatch.setattr(sys, "stderr", file)
    with pytest.raises(ValueError, match="x"), working("counting"):
        raise ValueError("x")
    assert file.getvalue() == ""
