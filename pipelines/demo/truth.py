"""The truth beside the exports: who is who, what was planted, what must be found again.

Collects what the writers say they exported and writes `OUT/truth/`. Nothing here is read by the pipeline.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl

from pipelines.demo.company import END

# What the pipeline calls an export, where its spec is not named as the file.
SPEC_NAME = {
    "web/access_log": "access_log.request",
    "zendesk/tickets": "zendesk.ticket",
    "zendesk/users": "zendesk.user",
    "zendesk/ticket_metrics": "zendesk.ticket_metric",
    "zendesk/satisfaction_ratings": "zendesk.satisfaction_rating",
    "qualtrics/survey": "qualtrics.response",
    "square/transactions": "square.transaction",
    "twilio/calls": "twilio.call",
    "wordpress/comments": "wordpress.comment",
}


def spec_name(export: str) -> str:
    """`system.export` as the pipeline names it, from `system/file`."""
    return SPEC_NAME.get(export, export.replace("/", "."))


@dataclass
class Truth:
    """Touchpoints as the writers exported them; those that nobody made are only counted (`unmade`)."""

    parts: list[pl.DataFrame] = field(default_factory=list)
    unmade: list[dict[str, object]] = field(default_factory=list)

    def touchpoint(
        self,
        frame: pl.DataFrame,
        touchpoint_type: str,
        export: str,
        at: str = "at",
        *,
        identified: pl.Expr | bool = True,
    ) -> None:
        """Add one touchpoint per row of `frame` (columns `person` and `at`) before the data date.

        `identified` says whether the export row names the person by some identifier.
        """
        flag = identified if isinstance(identified, pl.Expr) else pl.lit(identified)
        part = frame.filter(pl.col(at) < END).select(
            (pl.col("person").cast(pl.Int32) + 1).alias("person_id"),
            pl.lit(touchpoint_type).cast(pl.Categorical).alias("touchpoint_type"),
            pl.from_epoch(pl.col(at)).dt.cast_time_unit("us").alias("occurred_at"),
            pl.lit(spec_name(export).split(".")[0]).cast(pl.Categorical).alias("system"),
            pl.lit(spec_name(export)).cast(pl.Categorical).alias("export"),
            flag.alias("is_identified"),
        )
        if len(part):
            self.parts.append(part)

    def count(self, touchpoint_type: str, export: str, *, robots: int = 0, damaged: int = 0) -> None:
        """Add touchpoints that no person of the company made: of robots, and of planted rows that can still be read."""
        self.unmade.append(
            {
                "export": spec_name(export),
                "touchpoint_type": touchpoint_type,
                "robot_count": robots,
                "damaged_count": damaged,
            }
        )

    def expected_count(self) -> pl.DataFrame:
        """Touchpoints per export and type that a faithful reader finds: of people, of robots, of damaged rows."""
        name = ["export", "touchpoint_type"]
        people = (
            self.table()
            .with_columns(pl.col(name).cast(pl.String))
            .group_by(name)
            .agg(person_count=pl.len().cast(pl.Int64))
        )
        schema = {"export": pl.String, "touchpoint_type": pl.String, "robot_count": pl.Int64, "damaged_count": pl.Int64}
        unmade = pl.DataFrame(self.unmade, schema=schema).group_by(name).sum()
        counts = ["person_count", "robot_count", "damaged_count"]
        return (
            people.join(unmade, on=name, how="full", coalesce=True)
            .with_columns(pl.col(counts).fill_null(0))
            .select(*name, pl.sum_horizontal(counts).alias("touchpoint_count"), *counts)
            .sort(name)
        )

    def table(self) -> pl.DataFrame:
        """All touchpoints of people, ordered by time, person and type."""
        if not self.parts:
            raise ValueError("the demo company has no touchpoints: generate at least one customer")
        return pl.concat(self.parts).sort("occurred_at", "person_id", "touchpoint_type", maintain_order=True)


def person_id(person: np.ndarray | pl.Series) -> pl.Series:
    """Truth id of row numbers of `People`."""
    return pl.Series(np.asarray(person).astype(np.int32) + 1)


def write_table(folder: Path, name: str, frame: pl.DataFrame) -> None:
    """Write one truth table as Parquet."""
    frame.write_parquet(folder / f"{name}.parquet", compression="zstd", statistics=False)
