"""Names in parts: values worked out by hand, and laws."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.normalise.name import (
    is_nickname,
    nickname_groups,
    nickname_heads,
    nickname_table,
    normalise_gender,
    normalise_name,
    split_family,
    split_full_name,
)
from models.normalise.text import clean, fold, loose


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Søren", "soeren"),
        ("SØREN", "soeren"),
        ("Åse Kjær", "aase kjaer"),
        ("Müller-Weiß", "mueller-weiss"),
        ("Renée  Daniëls", "renee daniels"),
        ("O’Brien", "o'brien"),
        ("\u200bAnna\u00a0Bos ", "anna bos"),
        # decomposed and composed are one
        ("So\u0308ren", "soeren"),
    ],
)
def test_folded(value: str, expected: str) -> None:
    assert fold(value) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Søren", "Soren"),
        ("Aase", "Åse"),
        ("Kjær", "Kjar"),
        ("van Dijk", "van Dyk"),
        ("Müller", "Muller"),
        ("Philip", "Phillip"),
    ],
)
def test_spellings_of_one_name_are_alike_loosely(one: str, other: str) -> None:
    assert loose(one) == loose(other)


@given(st.text(max_size=30))
@settings(max_examples=300)
def test_text_forms_are_their_own(value: str) -> None:
    assert clean(clean(value)) == clean(value)
    assert fold(fold(value)) == fold(value)
    assert loose(loose(value)) == loose(value)


@pytest.mark.parametrize(
    ("full", "given_name", "middle", "is_initial", "family", "particle"),
    [
        ("Anna de Vries", "anna", "", False, "vries", "de"),
        ("de Vries, Anna", "anna", "", False, "vries", "de"),
        ("Vries, A. de", "a", "", True, "vries", "de"),
        ("dhr. A.B. van den Berg", "a", "b", True, "berg", "van den"),
        ("Mevr. M. op den Akker", "m", "", True, "akker", "op den"),
        ("J.P. Jansen-de Wit", "j", "p", True, "jansenwit", "de"),
        ("Th. van 't Hof", "t", "", True, "hof", "van t"),
        ("Søren Ægidius", "soeren", "", False, "aegidius", ""),
        ("Jean-Luc Bos", "jean", "l", False, "bos", ""),
        ("JAN DE BOER", "jan", "", False, "boer", "de"),
        ("Jørgen Peter af Rosen", "joergen", "p", False, "rosen", "af"),
        ("Anna", "", "", False, "anna", ""),
        ("Le", "", "", False, "le", ""),
        # particles as Dutch lists shorten them; capitals are initials
        ("J.P. v.d. Berg", "j", "p", True, "berg", "van der"),
        ("Jan v/d Berg", "jan", "", False, "berg", "van der"),
        ("JAN VD BERG", "jan", "", False, "berg", "van der"),
        ("Berg, J. v.d.", "j", "", True, "berg", "van der"),
        ("Jan v. Dijk", "jan", "", False, "dijk", "van"),
        ("Jan V. Dijk", "jan", "v", False, "dijk", ""),
        ("J.V.D. Berg", "j", "vd", True, "berg", ""),
        ("J. o.d. Beek", "j", "", True, "beek", "op de"),
        ("JW de Boer", "j", "w", True, "boer", "de"),
        ("Bo Bach", "bo", "", False, "bach", ""),
        ("Dr. med. Karl von der Aa", "karl", "", False, "aa", "von der"),
    ],
)
def test_a_full_name_in_parts(
    full: str, given_name: str, middle: str, is_initial: bool, family: str, particle: str
) -> None:
    name = normalise_name(None, None, full)
    assert name is not None
    assert (name.given, name.middle, name.is_initial, name.family, name.particle) == (
        given_name,
        middle,
        is_initial,
        family,
        particle,
    )


def test_parts_of_a_double_name_are_kept() -> None:
    assert split_family("Jansen-de Wit") == ("jansenwit", "de", ("jansen", "wit"))
    assert split_family("van der Berg") == ("berg", "van der", ("berg",))
    assert split_family("Vries, de") == ("vries", "de", ("vries",))
    assert split_family("v.d. Berg") == split_family("vd Berg") == ("berg", "van der", ("berg",))


def test_a_missing_part_comes_from_the_full_name() -> None:
    name = normalise_name("Jan", None, "Jan de Boer")
    assert name is not None
    assert (name.given, name.family) == ("jan", "boer")
    name = normalise_name(None, "de Boer", "Jan de Boer")
    assert name is not None
    assert (name.given, name.family) == ("jan", "boer")


@pytest.mark.parametrize("value", ["", "  ", "...", "Unknown", "dhr.", "Baby", "N.N."])
def test_what_names_nobody(value: str) -> None:
    assert normalise_name(value, None) is None


def test_a_full_name_without_comma_begins_its_family_name_at_the_particle() -> None:
    assert split_full_name("Jan Peter van der Meer") == ("Jan Peter", "van der Meer")
    assert split_full_name("Mary Ann Smith") == ("Mary Ann", "Smith")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("william", "bill"),
        ("robert", "bob"),
        ("elisabeth", "liesbeth"),
        ("johannes", "hans"),
        ("wilhelmus", "wim"),
        ("birgitte", "gitte"),
        ("nicolaas", "klaas"),
        ("katrine", "trine"),
    ],
)
def test_what_people_of_a_name_are_called(one: str, other: str) -> None:
    assert is_nickname(one, other) and is_nickname(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("anna", "bram"),
        ("lars", "mette"),
        ("mary", "susan"),
        ("femke", "sanne"),
        ("henrik", "erik"),
        ("gitte", "mette"),
        ("tina", "martin"),
    ],
)
def test_other_names_are_not(one: str, other: str) -> None:
    assert not is_nickname(one, other)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Male", "m"),
        ("vrouw", "f"),
        ("V", "f"),
        ("Mevr.", "f"),
        ("Herr Dr.", "m"),
        ("kvinde", "f"),
        ("Dhr. en mevr.", None),
        ("Firma", None),
    ],
)
def test_gender_by_its_words_and_by_forms_of_address(value: str, expected: str | None) -> None:
    assert normalise_gender(value) == expected


def test_the_table_of_nicknames_is_folded() -> None:
    table = nickname_table()
    assert len(table) > 1000
    assert all(name == fold(name) for name in table)
    assert nickname_heads("william") and not nickname_heads("bill")
    assert set(nickname_heads("william")) <= set(nickname_groups("bill"))


@given(st.text(max_size=40), st.text(max_size=40))
@settings(max_examples=200)
def test_parts_read_again_give_themselves(given_text: str, family_text: str) -> None:
    name = normalise_name(given_text, family_text)
    if name is not None and name.family:
        assert split_family(name.family)[0] in (name.family, "")
