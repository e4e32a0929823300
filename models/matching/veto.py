"""What keeps two records apart however much else agrees: a household is not a person.

Belongs here: rules that look at one scored pair. Does not belong here: weights, groups of more than two (`group.py`).
"""

from __future__ import annotations

import polars as pl

from models.matching.model import level_labels
from models.settings.matching import Matching

LEVEL: dict[str, dict[str, int]] = {
    name: {label: number for number, label in labels.items()} for name, labels in level_labels().items()
}
UNIQUE, BIRTH, GIVEN, HOUSEHOLD, NAME_ONLY, DECISION = (
    "different unique number",
    "different birth date",
    "different first names at one address",
    "only what a household shares agrees",
    "only the name agrees",
    "decision: different",
)


def at_least(comparison: str, label: str) -> pl.Expr:
    """Whether a pair's level of `comparison` is the one called `label` or more alike."""
    return pl.col(f"gamma_{comparison}") >= LEVEL[comparison][label]


def at_level(comparison: str, *labels: str) -> pl.Expr:
    """Whether a pair's level of `comparison` is one of `labels`."""
    return pl.col(f"gamma_{comparison}").is_in([LEVEL[comparison][label] for label in labels])


def veto_reasons(scored: pl.DataFrame, prepared: pl.DataFrame, settings: Matching) -> pl.Series:
    """Per scored pair why it cannot be one person, or why nobody can know (one of the reasons above), or NULL.

    `settings.vetoes` says which of the first three apply; `settings.birth_date_mistakes` how many mistyped digits (or
    day and month swapped) do not yet make another birth date. A number of the person (`numbers`) that agrees but for a
    mistake outweighs them.
    """
    scored = scored.hstack(_of_pairs(scored, prepared))
    unknown = pl.col("gamma_birth_date") == -1
    near = ("same birth date", "birth date but for one mistake", "birth date but for two mistakes")[
        settings.birth_date_mistakes
    ]
    numbered = at_least("number", "number but for one mistake") | (
        at_least("number", "number but for two mistakes") & at_least("birth_date", "birth date but for two mistakes")
    )
    same_middle = at_least("middle", "same middle initial")
    # Brandy and Brenda with one birth date and one middle initial are one; Brandy and Brenda of one family are two. So are
    # Tiffany and Hiffany, and T. and Olivia (an initial contradicts less than a name does).
    excused = (
        (
            (
                at_level("given", "given name somewhat alike")
                & ((pl.col("_one_initial") & ~at_level("middle", "different")) | same_middle)
            )
            | (at_level("given", "different") & pl.col("_is_initial") & same_middle)
        )
        & at_least("birth_date", "same birth date")
        & ~at_level("gender", "different")
    )
    born_near = at_least("birth_date", near) | (
        at_least("birth_date", "birth date but for two mistakes") & pl.col("_is_birth_text")
    )
    other_name = (
        at_level("given", "different", "only the initial alike", "given name somewhat alike") & ~excused
        # where the first name is unknown, what else tells the members of a household apart
        | ((pl.col("gamma_given") == -1) & (at_level("middle", "different") | at_level("gender", "different")))
    )
    at_home = (
        at_least("address", "same street, house number unknown or swapped")
        | at_least("family", "other spelling of the family name")
        | at_least("phone", "same telephone")
        | at_least("email", "same or mistyped e-mail address")
        | pl.col("_is_shared")
    )
    personal = (
        # An initial is half a household's.
        at_least("given", "given name alike")
        | born_near
        | at_least("number", "number but for two mistakes")
        | at_least("email", "e-mail address but for one mistake")
    )
    beyond_name = (
        born_near
        | at_least("number", "number but for two mistakes")
        | at_least("email", "e-mail address but for one mistake")
        | at_least("phone", "same telephone")
        # Numbers are given out in rows: one like another is a mistake only where no other address speaks against it.
        | (at_level("phone", "telephone but for one mistake") & (pl.col("gamma_address") == -1))
        | at_least("address", "same street, house number unknown or swapped")
        | pl.col("_is_shared")
    )
    both = scored.with_columns(_is_unique_apart=unique_apart(scored, prepared), _is_shared=sharing(scored, prepared))
    used = settings.vetoes
    return both.select(
        pl.when(pl.col("_is_unique_apart") & ("unique_number" in used))
        .then(pl.lit(UNIQUE))
        .when(~unknown & ~born_near & ~numbered & ("birth_date" in used))
        .then(pl.lit(BIRTH))
        .when(other_name & at_home & ~numbered & ("first_name" in used))
        .then(pl.lit(GIVEN))
        .when(~personal)
        .then(pl.lit(HOUSEHOLD))
        .when(~beyond_name)
        .then(pl.lit(NAME_ONLY))
        .alias("veto_reason")
    )["veto_reason"]


def _of_pairs(pairs: pl.DataFrame, prepared: pl.DataFrame) -> pl.DataFrame:
    """Per pair: `_is_initial` (of one of the two only the initial is known), `_one_initial` (first names begin alike),
    `_is_birth_text` (one of the birth dates is no date).
    """
    facts = prepared.select("cluster_id", "initial", "is_initial", "is_birth_text")
    return (
        pairs.select("left", "right")
        .join(facts, left_on="left", right_on="cluster_id", how="left", maintain_order="left")
        .join(facts, left_on="right", right_on="cluster_id", how="left", suffix="_right", maintain_order="left")
        .select(
            _is_initial=(pl.col("is_initial") | pl.col("is_initial_right")).fill_null(False),
            _one_initial=(pl.col("initial") == pl.col("initial_right")).fill_null(False),
            _is_birth_text=(pl.col("is_birth_text") | pl.col("is_birth_text_right")).fill_null(False),
        )
    )


def sharing(pairs: pl.DataFrame, prepared: pl.DataFrame) -> pl.Series:
    """Whether the two records of each pair share a guarded e-mail address or telephone."""
    held = prepared.filter(pl.col("shared").is_not_null()).select("cluster_id", "shared")
    if held.is_empty():
        return pl.Series("_is_shared", [False] * pairs.height, dtype=pl.Boolean)
    return (
        pairs.select("left", "right")
        .join(held, left_on="left", right_on="cluster_id", how="left", maintain_order="left")
        .join(held, left_on="right", right_on="cluster_id", how="left", suffix="_right", maintain_order="left")
        .select((pl.col("shared").list.set_intersection("shared_right").list.len() > 0).fill_null(False))
        .to_series()
        .alias("_is_shared")
    )


def unique_apart(pairs: pl.DataFrame, prepared: pl.DataFrame) -> pl.Series:
    """Whether the two records of each pair hold different values of one unique identifier type and none in common."""
    held = (
        prepared.filter(pl.col("unique_values").is_not_null())
        .select("cluster_id", value="unique_values")
        .explode("value")
        .with_columns(kind=pl.col("value").str.split(":").list.first())
    )
    numbered = pairs.select("left", "right").with_row_index("pair")
    left = numbered.join(held, left_on="left", right_on="cluster_id")
    right = numbered.join(held, left_on="right", right_on="cluster_id")
    met = left.join(right, on=["pair", "kind"], suffix="_right")
    apart = (
        met.group_by("pair", "kind")
        .agg(is_apart=~(pl.col("value") == pl.col("value_right")).any())
        .filter("is_apart")["pair"]
        .unique()
    )
    return numbered.select(pl.col("pair").is_in(apart.implode())).to_series().alias("_is_unique_apart")


def cannot_link_reasons(pairs: pl.DataFrame, cannot_link: pl.DataFrame) -> pl.Series:
    """`DECISION` for pairs that a person called different, else NULL. `cannot_link`: `left`, `right`, left < right."""
    told = cannot_link.select("left", "right").unique().with_columns(veto_reason=pl.lit(DECISION))
    return pairs.select("left", "right").join(told, on=["left", "right"], how="left", maintain_order="left")[
        "veto_reason"
    ]
