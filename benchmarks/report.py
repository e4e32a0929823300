"""`make bench-report`: size of a release's report, and how soon each of its pages is painted, opened from disk.

Usage: python -m benchmarks.report WAREHOUSE

Headless Chromium of the system (by playwright, which the tests need too), a fresh context a page, so that nothing is kept from
the page before. *First paint* is the browser's own `first-contentful-paint`, from the start of the navigation. Prints the
slowest pages and the sum of all files.
"""

from __future__ import annotations

import shutil
import statistics
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from pipelines.warehouse import Warehouse

LIMIT_MILLISECONDS = 1000
LIMIT_BYTES = 3_000_000
SHOWN = 5
PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"


def first_paints(pages: list[Path]) -> dict[Path, float]:
    """Milliseconds until the first content of each page is painted."""
    found = {}
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for path in pages:
            context = browser.new_context(offline=True)
            page = context.new_page()
            page.goto(path.as_uri())
            # the entry stands in the timeline when the frame is on the screen
            page.wait_for_function(f"({PAINT}) !== null")
            found[path] = float(page.evaluate(PAINT))
            context.close()
        browser.close()
    return found


def main() -> None:
    """Measure and print."""
    release = Warehouse(Path(sys.argv[1]).absolute()).require_current()
    report = Path(sys.argv[2]).absolute() if len(sys.argv) > 2 else release.folder / "report"
    pages = sorted(report.rglob("*.html"))
    size = sum(path.stat().st_size for path in pages)
    print(f"{release.summary['row_counts']['touchpoint']:,} touchpoints: {len(pages)} pages, {size:,} bytes", end="")
    print("" if size < LIMIT_BYTES else f"  over {LIMIT_BYTES:,}")
    paints = first_paints(pages)
    print(f"first paint: median {statistics.median(paints.values()):.0f} ms")
    for path, took in sorted(paints.items(), key=lambda item: -item[1])[:SHOWN]:
        over = f"  over {LIMIT_MILLISECONDS}" if took > LIMIT_MILLISECONDS else ""
        print(f"  {path.relative_to(report)!s:34}{path.stat().st_size:>10,} bytes{took:>7.0f} ms{over}")


if __name__ == "__main__":
    main()
