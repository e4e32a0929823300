"""E-mail addresses: one mailbox, one value.

Belongs here: what providers ignore in an address, international domains, likely typing mistakes. Does not belong here: which
mailboxes are read by more than one person (configuration), and whether an address exists.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import idna
import polars as pl

from models.normalise.text import clean

EMAIL_SHAPE = r"^[^@\s]+@[^@\s.]+(?:\.[^@\s.]+)*\.[^@\s.]{2,}$"
_SHAPE = re.compile(EMAIL_SHAPE)
# An address that the functions below change in nothing but what its provider ignores.
_PLAIN = r"^[a-z0-9._%+-]+@(?:[a-z0-9-]+\.)+[a-z]{2,}$"
_NAMED = re.compile(r"^[^<>]*<([^<>]+)>$")
# A link to write to somebody may bring a subject and more.
_MAILTO = re.compile(r"^mailto:([^?]*)(?:\?.*)?$")


@dataclass(frozen=True)
class Provider:
    """What a mail provider ignores: `domain` is the one that its other domains stand for."""

    domain: str
    ignores_dots: bool = False
    ignores_tag: bool = True


# From the providers' own help pages. Everywhere else a dot and a plus are part of the address: a company may well have
# anna.bos@ and annabos@.
_GOOGLE = Provider("gmail.com", ignores_dots=True)
_PROTON = Provider("proton.me", ignores_dots=True)
PROVIDERS: dict[str, Provider] = {
    "gmail.com": _GOOGLE,
    "googlemail.com": _GOOGLE,
    "proton.me": _PROTON,
    "protonmail.com": _PROTON,
    "pm.me": _PROTON,
    **{
        domain: Provider(domain)
        for name in ("outlook", "hotmail", "live")
        for suffix in ("com", "nl", "dk", "be", "de", "fr", "co.uk", "it", "es")
        for domain in (f"{name}.{suffix}",)
    },
    **{
        domain: Provider(domain)
        for domain in ("msn.com", "icloud.com", "me.com", "mac.com", "fastmail.com", "fastmail.fm")
    },
}
# Mistyped domains of large providers. A list and no distance: ymail.com, mail.com and gmx.de are a letter away from others.
_TYPOS = {
    "gmail.com": "gmial.com gmal.com gmil.com gamil.com gmaill.com gmai.com gmail.co gmail.con gmail.cm gmail.cmo gmail.om "
    "gmail.comm gnail.com gmaik.com gmeil.com ggmail.com gmali.com gimail.com gmail.vom gmail.nl gmail.dk",
    "hotmail.com": "hotmial.com hotmal.com hotmai.com hotmil.com hotmali.com hotamil.com hotmaill.com hotmail.con hotmail.co "
    "hotmail.cm hotmail.cmo homail.com htmail.com hotnail.com hotmeil.com hormail.com",
    "outlook.com": "outlok.com outloo.com outlook.con outlook.co outlook.cm otlook.com outllok.com oulook.com outlool.com",
    "yahoo.com": "yaho.com yahooo.com yahoo.con yahoo.cm yahho.com yhaoo.com yaoo.com",
    "icloud.com": "iclod.com icoud.com icloud.con iclould.com icloud.co iclud.com",
    "live.nl": "liven.nl lve.nl live.nll",
    "ziggo.nl": "zigo.nl zigggo.nl ziggo.n ziggo.nll",
    "kpnmail.nl": "kpnmial.nl kpnmal.nl kpnmail.n",
    "planet.nl": "plant.nl planet.n planeet.nl",
}
_TYPO_OF = {typo: domain for domain, typos in _TYPOS.items() for typo in typos.split()}


def plain_email(value: str) -> str | None:
    """The address as typed, in lower case: `Anna <ANNA@Example.org>` → `anna@example.org`; None when it is none.

    This is the form that mail tools hash. `mailto:` and a display name go, an international domain becomes ASCII (UTS 46).
    """
    text = clean(value).lower()
    named = _NAMED.match(text)
    text = _MAILTO.sub(r"\1", (named.group(1) if named else text).strip()).strip().strip("<>\"',;").rstrip(".")
    if not _SHAPE.match(text):
        return None
    local, _, domain = text.rpartition("@")
    if "@" in local:
        return None
    if not domain.isascii():
        try:
            domain = idna.encode(domain, uts46=True).decode()
        except idna.IDNAError:
            return None
    plain = f"{local}@{domain}"
    return plain if _SHAPE.match(plain) else None


def normalise_email(value: str) -> str | None:
    """The mailbox that `value` reaches: `plain_email` without what its provider ignores; None when it is no address.

    `A.de.Vries+news@googlemail.com` → `adevries@gmail.com`; dots and tags of other providers stay.
    """
    plain = plain_email(value)
    if plain is None:
        return None
    local, _, domain = plain.rpartition("@")
    provider = PROVIDERS.get(domain)
    if provider is None:
        return plain
    if provider.ignores_tag:
        local = local.split("+", 1)[0] or local
    if provider.ignores_dots:
        local = local.replace(".", "") or local
    return f"{local}@{provider.domain}"


def likely_email(value: str) -> str | None:
    """What was probably meant where the domain is a known typing mistake of a large provider's, else None.

    `anna@gmial.com` → `anna@gmail.com`. Evidence for a comparison, never a link: the mistyped mailbox may be somebody's.
    """
    plain = plain_email(value)
    if plain is None:
        return None
    local, _, domain = plain.rpartition("@")
    meant = _TYPO_OF.get(domain)
    return normalise_email(f"{local}@{meant}") if meant else None


def plain_mailboxes(values: pl.Series) -> pl.DataFrame:
    """`mailbox` and `typed` of the addresses that need no parser, NULL of all others; by columns, which is much faster.

    What comes out equals `normalise_email` and `plain_email`, and has no `likely_email`; what is written with a name, with
    letters beyond ASCII, or at a mistyped domain is left to them.
    """
    text = pl.col("text").str.to_lowercase()
    domain, local = pl.col("domain"), pl.col("local")
    tagless = [name for name, provider in PROVIDERS.items() if provider.ignores_tag]
    dotless = [name for name, provider in PROVIDERS.items() if provider.ignores_dots]

    def unless_empty(changed: pl.Expr) -> pl.Expr:
        return pl.when(changed != "").then(changed).otherwise(local)

    return (
        values.alias("text")
        .to_frame()
        .select(typed=pl.when(text.str.contains(_PLAIN)).then(text))
        .with_columns(parts=pl.col("typed").str.splitn("@", 2))
        .with_columns(local=pl.col("parts").struct[0], domain=pl.col("parts").struct[1])
        .with_columns(typed=pl.when(~domain.is_in(list(_TYPO_OF))).then("typed"))
        .with_columns(
            local=pl.when(domain.is_in(tagless)).then(unless_empty(local.str.replace(r"\+.*$", ""))).otherwise(local)
        )
        .with_columns(
            local=pl.when(domain.is_in(dotless))
            .then(unless_empty(local.str.replace_all(".", "", literal=True)))
            .otherwise(local),
            at=domain.replace({name: provider.domain for name, provider in PROVIDERS.items()}),
        )
        .select(
            mailbox=pl.when(pl.col("typed").is_not_null()).then(
                pl.when(domain.is_in(list(PROVIDERS)))
                .then(pl.concat_str("local", pl.lit("@"), "at"))
                .otherwise("typed")
            ),
            typed="typed",
        )
    )
