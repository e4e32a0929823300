"""Completion in the shells themselves: each reads the script that the command prints, and proposes what there is."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(sys.executable).with_name("touchpoint360")
# What is typed -> proposals that must be among those of the shell, and one that must not.
TYPED = {
    "touchpoint360 ex": ({"explain", "explore", "export-process"}, "run"),
    "touchpoint360 funnel --mo": ({"--mode"}, "--window"),
    "touchpoint360 funnel --mode st": ({"strict"}, "ordered"),
    "touchpoint360 rollback --warehouse house --to r": ({"r000001", "r000002"}, "r000003"),
    "touchpoint360 inspect ord": ({"orders.csv"}, "status"),
}
# A proposal of zsh, before what it is or at the end.
QUOTED = re.compile(r'"([^" ]+)"(?=:"| "|\)\))')
SCRIPTS = {
    "bash": """
eval "$(_TOUCHPOINT360_COMPLETE=source_bash touchpoint360)"
[[ $(complete -p touchpoint360) == *"-o default"* ]] && files=1
while IFS= read -r line; do
  COMP_WORDS=($line); COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 )); COMPREPLY=()
  _touchpoint360_completion touchpoint360
  [[ ${#COMPREPLY[@]} == 0 && $files ]] && COMPREPLY=($(compgen -o default -- "${COMP_WORDS[-1]}"))
  echo "> $line"; printf '%s\\n' "${COMPREPLY[@]}"
done
""",
    "zsh": r"""
autoload -U compinit && compinit -u -D
eval "$(_TOUCHPOINT360_COMPLETE=source_zsh touchpoint360)"
# stand for the shell's own, which draw a menu: print what they were given "word":"what it is", or the files
_arguments() { local given=$1; print -r -- "${given#*\(\(}" }
_files() { print -l -- ${words[-1]}*(N) }
while IFS= read -r line; do
  words=(${=line}); CURRENT=${#words}
  print -r -- "> $line"; $_comps[touchpoint360]
done
""",
    "fish": """
_TOUCHPOINT360_COMPLETE=source_fish touchpoint360 | source
while read -l line
    echo "> $line"; complete -C "$line" | string replace -r '\\t.*' ''
end
""",
}


@pytest.mark.parametrize("shell", SCRIPTS)
def test_the_shell_proposes_commands_options_values_and_files(shell: str, tmp_path: Path) -> None:
    found = shutil.which(shell)
    if found is None:
        pytest.skip(f"no {shell} on this machine: install the Debian package {shell} to try its completion")
    (tmp_path / "orders.csv").touch()
    for name in ("r000001", "r000002"):
        (tmp_path / "house" / "releases" / name).mkdir(parents=True)
        (tmp_path / "house" / "releases" / name / "release.json").write_text("{}", encoding="utf-8")
    script = tmp_path / f"try.{shell}"
    script.write_text(SCRIPTS[shell], encoding="utf-8")
    plain = {"bash": ["--norc"], "zsh": ["-f"], "fish": ["--no-config"]}[shell]
    ended = subprocess.run(
        [found, *plain, str(script)],
        input="".join(f"{line}\n" for line in TYPED),
        env={**os.environ, "PATH": f"{PROGRAM.parent}{os.pathsep}{os.environ['PATH']}", "HOME": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    parts = {part.splitlines()[0]: part.splitlines()[1:] for part in ended.stdout.split("> ")[1:]}
    assert set(parts) == set(TYPED), ended.stderr
    for line, (wanted, other) in TYPED.items():
        proposed = {word for text in parts[line] for word in (QUOTED.findall(text) if text.startswith('"') else [text])}
        assert wanted <= proposed and other not in proposed, (line, parts[line])
