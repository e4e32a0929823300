"""The matching model: comparisons and their levels, stored weights and stored term frequencies.

Belongs here: what is compared, in Splink's settings form, and reading and writing a trained model (JSON). Does not
belong here: estimating weights (`train.py`), applying them (`score.py`).

Fellegi and Sunter (1969): each comparison falls into one level; a level's weight is log2(m/u), how much likelier it is
among two records of one person than of two. Weights add up to the match weight. Agreement on a rare name weighs more
than on a common one (term frequencies, Winkler 1988). The frequencies are part of the model and not counted from a
night's records, so that the weight of a pair depends on the pair alone.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

STORED_MODEL = "model.json"
# No name agrees by chance less often than this: a name seen once is not a proof.
LEAST_FREQUENCY = 0.00005


def _level(condition: str, label: str, **more: Any) -> dict[str, Any]:
    return {"sql_condition": condition, "label_for_charts": label, **more}


def _null(condition: str) -> dict[str, Any]:
    return _level(condition, "unknown", is_null_level=True)


def _exact(column: str, label: str) -> dict[str, Any]:
    return _level(
        f"{column}_l = {column}_r",
        label,
        tf_adjustment_column=column,
        tf_adjustment_weight=1.0,
        tf_minimum_u_value=LEAST_FREQUENCY,
    )


# Near enough, because who swaps two fields mistypes them too; not for people whose two names are alike.
_SWAPPED = (
    "(jaro_winkler_similarity(given_loose_l, family_loose_r) >= 0.9 "
    "and jaro_winkler_similarity(family_loose_l, given_loose_r) >= 0.9 "
    "and jaro_winkler_similarity(given_loose_l, family_loose_l) < 0.8)"
)
# A day written for a month, one digit mistyped, two neighbours swapped.
_DAY_MONTH = "birth_date_l = substr(birth_date_r, 1, 4) || substr(birth_date_r, 7, 2) || substr(birth_date_r, 5, 2)"


def _other() -> dict[str, Any]:
    return _level("ELSE", "different")


COMPARISONS: list[dict[str, Any]] = [
    {
        "output_column_name": "given",
        "comparison_levels": [
            _null("given_l is null or given_r is null"),
            _exact("given", "same given name"),
            _level(_SWAPPED, "given and family name swapped"),
            _level(
                "not is_initial_l and not is_initial_r and (given_loose_l = given_loose_r "
                "or list_has_any(given_all_l, given_all_r) or list_has_any(given_heads_l, given_groups_r) "
                "or list_has_any(given_groups_l, given_heads_r))",
                "nickname or other spelling",
            ),
            _level(
                "not is_initial_l and not is_initial_r and (jaro_winkler_similarity(given_l, given_r) >= 0.88 "
                "or damerau_levenshtein(given_l, given_r) <= 1 "
                "or (least(length(given_l), length(given_r)) >= 3 "
                "and (starts_with(given_l, given_r) or starts_with(given_r, given_l))))",
                "given name alike",
            ),
            _level(
                "not is_initial_l and not is_initial_r and ((initial_l = initial_r "
                "and jaro_winkler_similarity(given_loose_l, given_loose_r) >= 0.72) "
                # two letters misread, or called by the end of it (Melissa, Lisa)
                "or (least(length(given_l), length(given_r)) >= 5 and damerau_levenshtein(given_l, given_r) <= 2) "
                "or (least(length(given_l), length(given_r)) >= 4 "
                "and (suffix(given_l, given_r) or suffix(given_r, given_l))))",
                "given name somewhat alike",
            ),
            # Of one of the two only the initial is known; that is less than a name and no contradiction.
            _level("(is_initial_l or is_initial_r) and initial_l = initial_r", "same initial"),
            _level("initial_l = initial_r", "only the initial alike"),
            _other(),
        ],
    },
    {
        "output_column_name": "family",
        "comparison_levels": [
            _null(f"family_l is null or family_r is null or coalesce({_SWAPPED}, false)"),
            _exact("family", "same family name"),
            _level("family_loose_l = family_loose_r", "other spelling of the family name"),
            _level("list_has_any(family_all_l, family_all_r)", "part of a double name"),
            _level(
                "jaro_winkler_similarity(family_l, family_r) >= 0.88 or damerau_levenshtein(family_l, family_r) <= 1",
                "family name alike",
            ),
            _other(),
        ],
    },
    {
        "output_column_name": "middle",
        "comparison_levels": [
            _null("middle_l is null or middle_r is null"),
            _level("substr(middle_l, 1, 1) = substr(middle_r, 1, 1)", "same middle initial"),
            _other(),
        ],
    },
    {
        "output_column_name": "birth_date",
        "comparison_levels": [
            _null("birth_date_l is null or birth_date_r is null"),
            _level("list_has_any(birth_all_l, birth_all_r)", "same birth date"),
            _level(
                f"damerau_levenshtein(birth_date_l, birth_date_r) <= 1 or {_DAY_MONTH}", "birth date but for one mistake"
            ),
            _level(
                "damerau_levenshtein(birth_date_l, birth_date_r) <= 2", "birth date but for two mistakes"
            ),
            _level("substr(birth_date_l, 5, 4) = substr(birth_date_r, 5, 4)", "same day of another year"),
            _level("substr(birth_date_l, 1, 4) = substr(birth_date_r, 1, 4)", "same year of birth"),
            _other(),
        ],
    },
    {
        "output_column_name": "number",
        "comparison_levels": [
            _null("number_l is null or number_r is null"),
            _level("number_l = number_r", "same number"),
            _level("damerau_levenshtein(number_l, number_r) <= 1", "number but for one mistake"),
            _level("damerau_levenshtein(number_l, number_r) <= 2", "number but for two mistakes"),
            _other(),
        ],
    },
    {
        "output_column_name": "email",
        "comparison_levels": [
            _null("emails_l is null or emails_r is null"),
            _level("list_has_any(emails_l, emails_r)", "same or mistyped e-mail address"),
            _level("list_has_any(locals_l, locals_r)", "same name before the @"),
            # Another digit is another mailbox: anna.bos1 is not anna.bos2 mistyped.
            _level(
                "email_digits_l = email_digits_r and damerau_levenshtein(email_text_l, email_text_r) <= 1",
                "e-mail address but for one mistake",
            ),
            _other(),
        ],
    },
    {
        "output_column_name": "phone",
        "comparison_levels": [
            _null("phones_l is null or phones_r is null"),
            _level("list_has_any(phones_l, phones_r)", "same telephone"),
            # Swapped digits, one too many or too few. Another digit is another telephone: numbers lie close together.
            _level(
                "damerau_levenshtein(phones_l[1], phones_r[1]) = 1 "
                "and (length(phones_l[1]) <> length(phones_r[1]) or levenshtein(phones_l[1], phones_r[1]) = 2)",
                "telephone but for one mistake",
            ),
            _other(),
        ],
    },
    {
        "output_column_name": "address",
        "comparison_levels": [
            _null("(places_l is null and doors_l is null and city_l is null and postal_code_l is null) "
                  "or (places_r is null and doors_r is null and city_r is null and postal_code_r is null)"),
            _level(
                "list_has_any(places_l, places_r) and (street_l is null or street_r is null "
                "or list_has_any(doors_l, doors_r) or jaro_winkler_similarity(street_l, street_r) >= 0.85)",
                "same address",
            ),
            _level("list_has_any(doors_l, doors_r)", "same street and house number"),
            _level("list_has_any(places_l, places_r)", "same postal code and house number"),
            _level(
                "house_number_l = house_number_r and jaro_winkler_similarity(street_l, street_r) >= 0.88",
                "house number and street alike",
            ),
            _level(
                # Another number in the street is a neighbour.
                "jaro_winkler_similarity(street_l, street_r) >= 0.92 and (city_l = city_r or postal_code_l = postal_code_r) "
                "and (house_number_l is null or house_number_r is null "
                "or (length(house_number_l) = length(house_number_r) and house_number_l <> house_number_r "
                "and list_sort(string_split(house_number_l, '')) = list_sort(string_split(house_number_r, ''))))",
                "same street, house number unknown or swapped",
            ),
            _level("list_has_any(postal_all_l, postal_all_r)", "same postal code"),
            _level("jaro_winkler_similarity(city_l, city_r) >= 0.92", "same town"),
            _other(),
        ],
    },
    {
        "output_column_name": "gender",
        "comparison_levels": [
            _null("gender_l is null or gender_r is null"),
            _level("gender_l = gender_r", "same gender"),
            _other(),
        ],
    },
]  # fmt: skip
TERM_COLUMNS = ("given", "family")


def levels_of(comparison: dict[str, Any]) -> list[dict[str, Any]]:
    """The levels that carry weight, most alike first."""
    return [level for level in comparison["comparison_levels"] if not level.get("is_null_level")]


def level_labels() -> dict[str, dict[int, str]]:
    """Comparison → number of the level as Splink counts (0 is "different") → its name."""
    return {
        comparison["output_column_name"]: {
            number: level["label_for_charts"] for number, level in enumerate(reversed(levels_of(comparison)))
        }
        for comparison in COMPARISONS
    }


@dataclass(frozen=True)
class Model:
    """A trained model.

    `splink`: settings with trained levels (`Linker` takes them). `frequency`: per column of `TERM_COLUMNS` the share of
    each frequent value among known values; a value that is not listed has the share `unseen`. `trained_on`: one
    sentence.
    """

    splink: dict[str, Any]
    frequency: dict[str, dict[str, float]]
    unseen: dict[str, float]
    trained_on: str

    def to_json(self) -> str:
        """The stored form; equal models give equal text."""
        content = {
            "trained_on": self.trained_on,
            "unseen": self.unseen,
            "frequency": {column: dict(sorted(table.items())) for column, table in self.frequency.items()},
            "splink": self.splink,
        }
        return json.dumps(content, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def read_model(path: Path | None = None) -> Model:
    """The model in `path`, or the stored one; ValueError when the file is none or compares other columns."""
    if path is None:
        return _stored_model()
    try:
        return _parse(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        raise ValueError(f"{path}: the matching model cannot be read: {error.strerror}") from None


@functools.cache
def _stored_model() -> Model:
    return _parse(files("models.matching").joinpath(STORED_MODEL).read_text(encoding="utf-8"), STORED_MODEL)


def _parse(text: str, name: str) -> Model:
    hint = "train it again with `python -m benchmarks.identity_model`"
    try:
        content = json.loads(text)
        model = Model(content["splink"], content["frequency"], content["unseen"], content["trained_on"])
        compared = _conditions(model.splink["comparisons"])
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{name} is no matching model ({error!r}); {hint}") from None
    if compared != _conditions(COMPARISONS):
        raise ValueError(f"{name} compares otherwise than this version does; {hint}")
    return model


def _conditions(comparisons: list[dict[str, Any]]) -> list[tuple[str, list[str]]]:
    """What makes a model's weights those of this version's levels."""
    return [
        (comparison["output_column_name"], [level["sql_condition"] for level in comparison["comparison_levels"]])
        for comparison in comparisons
    ]
