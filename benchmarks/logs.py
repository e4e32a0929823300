"""`make bench-logs`: what reading a web server's log costs, beside GoAccess and a Python regular expression.

Usage: python -m benchmarks.logs [gigabytes, default 1]

One generated log in the combined format: visits of some pages each, campaign parameters, IPv6, and in every thousand lines
one with escaped quotation marks, broken off or with bytes that are no text. Ours: `sources.read.parse` to typed Parquet, every
line accounted for, addresses masked, visitors hashed, queries cut down. GoAccess (a Debian package; left out where it is not
installed) counts for its panels. The Python reader matches one expression per line and keeps nothing. Then ours on a quarter
of the file, to show that memory stays flat. CPU is without the start of the process and its imports.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.measure import Cost, measured

_EXPRESSION = re.compile(
    r'^(\S+) (\S+) (.*?) \[([^\]]+)\] "((?:[^"\\]|\\.)*)" (\d{3}) (\d+|-) "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)"\s*$'
)
SLICE = 500_000
_START = 1_767_225_600
_ODD_EVERY = 1_000


def write_log(path: str, gigabytes: str) -> None:
    """Generate the log: the same bytes each time."""
    import numpy as np
    import polars as pl

    dice = np.random.default_rng(360)
    systems = (
        "Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7", "X11; Linux x86_64",
        "iPhone; CPU iPhone OS 17_4 like Mac OS X", "Linux; Android 14; SM-S918B",
    )  # fmt: skip
    agents = pl.Series(
        [
            f"Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version}.0.{build}.0 Safari/537.36"
            for system in systems
            for version in range(100, 132)
            for build in (0, 77, 4321)
        ]
    )
    pages = pl.Series(
        [
            f"/{part}/{name}-{number}"
            for part in ("shop", "blog", "assets/img", "products", "service")
            for name in ("city-bike", "garden-chair", "lamp", "winter-coat", "espresso")
            for number in range(400)
        ]
    )
    queries = pl.Series(
        [""] * 12
        + [
            "?page=2&sort=price",
            "?utm_source=news&utm_medium=email&utm_campaign=spring&mc_eid=ab12cd",
            "?gclid=Cj0KCQiA&x=1",
        ]
    )
    referrers = pl.Series(
        ["-"] * 1000
        + ["https://search.example.net/find?q=lamp&lang=nl"] * 300
        + [f"https://shop.example.org{page}" for page in pages.head(2000)]
    )
    statuses = pl.Series(["200"] * 16 + ["304", "304", "301", "404"])
    wanted = round(float(gigabytes) * 1e9)
    written, slices = 0, 0
    with Path(path).open("wb") as file:
        while written < wanted:
            count = np.arange(SLICE)
            # A visit is some twelve requests among those of two hundred others.
            visit = slices * SLICE // 12 + count // 12 + dice.integers(0, 200, SLICE)
            who = (visit * 2_654_435_761) % 3_000_017
            frame = pl.DataFrame(
                {
                    "who": who,
                    "at": pl.from_epoch(pl.Series(_START + (slices * SLICE + count) // 8)),
                    "agent": agents.gather(pl.Series((who * 40_503) % len(agents))),
                    "page": pages.gather(pl.Series(dice.zipf(1.3, SLICE) % len(pages))),
                    "query": queries.gather(pl.Series(dice.integers(0, len(queries), SLICE))),
                    "referrer": referrers.gather(pl.Series(dice.integers(0, len(referrers), SLICE))),
                    "status": statuses.gather(pl.Series(dice.integers(0, len(statuses), SLICE))),
                    "bytes": dice.integers(200, 90_000, SLICE),
                }
            )
            octets = [((pl.col("who") // 256**place) % 256).cast(pl.String) for place in (2, 1, 0)]
            ipv4 = pl.concat_str([pl.lit("10"), *octets], separator=".")
            ipv6 = pl.concat_str([pl.lit("2001:db8:"), (pl.col("who") % 9973).cast(pl.String), pl.lit("::1")])
            address = pl.when(pl.col("who") % 5 == 0).then(ipv6).otherwise(ipv4)
            line = pl.concat_str(
                address, pl.lit(" - - ["), pl.col("at").dt.strftime("%d/%b/%Y:%H:%M:%S"), pl.lit(' +0000] "GET '), "page",
                "query", pl.lit(' HTTP/1.1" '), "status", pl.lit(" "), pl.col("bytes").cast(pl.String), pl.lit(' "'),
                "referrer", pl.lit('" "'), "agent", pl.lit('"'),
            )  # fmt: skip
            lines = frame.select(line.alias("line"))["line"].to_list()
            for number, place in enumerate(range(0, SLICE, _ODD_EVERY)):
                text = lines[place]
                odd = (
                    text.replace("Mozilla", r"says \"hello\""),
                    text[:60],
                    text.replace("/", "/\udce9", 3),
                    text + ' "-"',
                )
                lines[place] = odd[number % len(odd)]
            file.write(("\n".join(lines) + "\n").encode("utf-8", "surrogateescape"))
            written, slices = file.tell(), slices + 1


def start() -> None:
    """Nothing but the imports of the others."""
    import sources.read
    import sources.spec

    assert sources.read and sources.spec


def ours(path: str, lines: str) -> None:
    """Our reader: the file to typed Parquet."""
    from sources.read import parse
    from sources.spec import load_spec

    spec = load_spec(Path("sources/access_log/request.yaml").absolute())
    result = parse(Path(path), spec, Path(path).with_suffix(".parquet"), b"a salt for a measurement")
    assert result.row_count == int(lines), (result.row_count, lines)


def goaccess(path: str) -> None:
    """GoAccess, counting for its panels."""
    out = str(Path(path).with_suffix(".json"))
    command = ["goaccess", path, "--log-format=COMBINED", "--no-global-config", "--no-progress", "-o", out]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def python_expression(path: str) -> None:
    """The usual way in Python: an expression per line, here without keeping anything."""
    found = 0
    with Path(path).open(encoding="utf-8", errors="backslashreplace") as file:
        for line in file:
            match = _EXPRESSION.match(line)
            found += match is not None and len(match.groups()) == 9
    assert found


def main(arguments: list[str]) -> None:
    """Make the log, measure, print a table."""
    gigabytes = float(arguments[0] if arguments else "1")
    print(
        f"{'':24}{'GB':>6}{'lines':>11}{'CPU s':>8}{'CPU s/GB':>10}{'wall s':>8}{'lines/CPU s':>13}{'peak MB':>9}{'ratio':>7}"
    )
    with tempfile.TemporaryDirectory(prefix="bench-logs-") as name:
        path = str(Path(name) / "access.log")
        measured("benchmarks.logs:write_log", path, str(gigabytes))
        idle = measured("benchmarks.logs:start")
        nothing = Cost(0.0, 0.0, 0.0)
        own = measured("benchmarks.logs:ours", path, str(count_lines(path)))
        show("ours, to typed Parquet", path, own, idle, None)
        if shutil.which("goaccess"):
            show("GoAccess, its panels", path, measured("benchmarks.logs:goaccess", path), nothing, (own, idle))
        else:
            print("GoAccess is not installed (apt-get install goaccess): left out.")
        show("Python, re per line", path, measured("benchmarks.logs:python_expression", path), nothing, (own, idle))
        quarter = str(Path(name) / "quarter.log")
        measured("benchmarks.logs:write_log", quarter, str(gigabytes / 4))
        show(
            "ours, a quarter", quarter, measured("benchmarks.logs:ours", quarter, str(count_lines(quarter))), idle, None
        )


def count_lines(path: str) -> int:
    """Lines of a file."""
    with Path(path).open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 24), b""))


def show(name: str, path: str, cost: Cost, idle: Cost, own: tuple[Cost, Cost] | None) -> None:
    """Print one line of the table; the ratio is of CPU seconds to ours."""
    size = Path(path).stat().st_size / 1e9
    lines = count_lines(path)
    cpu = max(cost.cpu_seconds - idle.cpu_seconds, 0.01)
    wall = max(cost.wall_seconds - idle.wall_seconds, 0.01)
    ratio = f"{cpu / max(own[0].cpu_seconds - own[1].cpu_seconds, 0.01):7.1f}" if own else ""
    print(
        f"{name:24}{size:>6.2f}{lines:>11,}{cpu:>8.1f}{cpu / size:>10.1f}{wall:>8.1f}{lines / cpu:>13,.0f}"
        f"{cost.peak_megabytes:>9.0f}{ratio}",
        flush=True,
    )


if __name__ == "__main__":
    main(sys.argv[1:])
