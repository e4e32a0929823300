"""Train the stored matching model on generated people: `python -m benchmarks.identity_model`.

Writes models/matching/model.json. The same code and seed give the same file. No labelled data that
`benchmarks/identity.py` judges by is read: levels' weights come from generated people (`identity_people.py`), whose
truth is known.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

import models.matching
from benchmarks.identity_people import People
from models.matching.blocking import candidates
from models.matching.model import STORED_MODEL, Model
from models.matching.record import prepare
from models.matching.score import score
from models.matching.train import from_labels, untrained

SEED, RECORDS = 360, 60_000
# Two records of a company's systems drawn at random are one person so rarely; a round number, because it must not depend on how
# many customers there are tonight: it is 20,000 customers' with two records each, and cautious for fewer.
PRIOR = 1e-5
# Invented names of the long tail are left to the share of unlisted names.
LISTED = 0.0004


def train(records: int = RECORDS, seed: int = SEED) -> Model:
    """The model of `records` generated records."""
    table, owners = People(seed).make(records)
    prepared = prepare(table)
    pairs = candidates(prepared, 300, 50.0).pairs
    owner = pl.DataFrame({"cluster_id": table["cluster_id"].to_pylist(), "owner": owners})
    known = owner.join(owner, on="owner").filter(pl.col("cluster_id") < pl.col("cluster_id_right"))
    # All pairs of one person, found by a blocking rule or not: levels that no rule reaches count too.
    wanted = (
        pl.concat(
            [pairs.select("left", "right"), known.select(left="cluster_id", right="cluster_id_right").cast(pl.Int64)]
        )
        .unique()
        .sort("left", "right")
    )
    scored = score(prepared, wanted, untrained())
    matches = (
        scored.select("left", "right")
        .join(owner, left_on="left", right_on="cluster_id", how="left", maintain_order="left")
        .join(owner, left_on="right", right_on="cluster_id", how="left", suffix="_right", maintain_order="left")
        .select(pl.col("owner") == pl.col("owner_right"))
        .to_series()
    )
    origin = f"{prepared.height:,} records of generated people, seed {seed}"
    return from_labels(prepared, scored, matches, PRIOR, origin, LISTED)


def main() -> None:
    """Write the model beside the code."""
    path = Path(next(iter(models.matching.__path__))) / STORED_MODEL
    model = train()
    path.write_text(model.to_json(), encoding="utf-8")
    print(f"{path.name}: {model.trained_on}, {path.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
