r"""What of a log line may be written: masked addresses, the visitor's keyed hash, the few parameters worth keeping.

All of it happens before anything is stored. An address in full exists in memory only; `visitor` is made from it with a
secret salt and the UTC day, so that it names nobody tomorrow and nobody without the salt.

Does not belong here: cutting lines (`log_parse.py`), the columns of a request (`log_columns.py`).
"""

from __future__ import annotations

import hashlib
import re
import socket
from collections.abc import Iterable, Sequence

import polars as pl

from models.lists import load_list
from sources.log_settings import LogSettings

# What a value that is not kept is replaced by, where its place must stay visible.
WITHHELD = "…"

_IPV4_TEXT = re.compile(r"(?<![\d.])(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})(?![\d.])")
_IPV6_TEXT = re.compile(r"(?<![\w:])(?=[0-9A-Fa-f:]*::|(?:[0-9A-Fa-f]+:){7})[0-9A-Fa-f:.]+")
_PARAMETER_TEXT = re.compile(r"(?<=[?&;])([\w.\-\[\]%]+)=([^&;\s\"'<>]*)")
_E_MAIL_TEXT = re.compile(r"(^|[^%\w.+-])(?:[\w.+-]|%2[Bb])+(?:@|%40)[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}")
_SECRET_NAMES = ("cookie", "authorization", "token", "password", "secret")
_JSON_SECRET = re.compile(
    rf'("(?:[^"\\]|\\.)*(?:{"|".join(_SECRET_NAMES)})(?:[^"\\]|\\.)*"\s*:\s*)(\[[^\]]*\]|"(?:[^"\\]|\\.)*")',
    re.I,
)
# An e-mail address within a path or a query, plain or percent-encoded; the first group is what stands before it.
E_MAIL = _E_MAIL_TEXT.pattern


def mask_address(address: str, ipv4_bits: int = 16, ipv6_bits: int = 48) -> str | None:
    """The network of an address, such as `192.0.0.0/16` or `2001:db8:1::/48`; None for what is none.

    A host's name is none: it may name a person. An IPv6 address that holds an IPv4 one is masked as that.
    """
    text = address.partition("%")[0]
    try:
        packed = socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)
    except (OSError, ValueError):
        return None
    if len(packed) == 16 and packed.startswith(b"\0" * 10 + b"\xff\xff"):
        packed = packed[12:]
    bits = ipv4_bits if len(packed) == 4 else ipv6_bits
    drop = len(packed) * 8 - bits
    kept = (int.from_bytes(packed, "big") >> drop << drop).to_bytes(len(packed), "big")
    return f"{socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, kept)}/{bits}"


def masked_addresses(addresses: pl.Series, settings: LogSettings) -> pl.Series:
    """The network of each address; meant for distinct ones. Whole bytes of IPv4 are masked without leaving Polars."""
    bits = settings.ipv4_bits
    if bits % 8:
        masked = [None if a is None else mask_address(a, bits, settings.ipv6_bits) for a in addresses]
        return pl.Series(masked, dtype=pl.String)
    count = bits // 8
    octet = r"(25[0-5]|2[0-4]\d|1?\d?\d)"
    is_ipv4 = addresses.str.contains(rf"^{octet}(\.{octet}){{3}}$").fill_null(False)
    tail = ".".join(["0"] * (4 - count)) + f"/{bits}"
    head = addresses.str.splitn(".", 4).struct.unnest().get_columns()[:count]
    quick = pl.select(
        pl.when(is_ipv4).then(pl.concat_str([*head, pl.lit(tail if count < 4 else "")], separator="."))
    ).to_series()
    if count == 4:
        quick = pl.select(pl.when(is_ipv4).then(addresses + "/32")).to_series()
    others = addresses.filter(~is_ipv4)
    if not len(others):
        return quick
    slow = [None if a is None else mask_address(a, bits, settings.ipv6_bits) for a in others]
    return quick.scatter((~is_ipv4).arg_true(), pl.Series(slow, dtype=pl.String))


def visitor_hashes(parts: Iterable[tuple[str, str, str]], salt: bytes) -> list[str]:
    """The keyed hash of each (address, agent, UTC day): 16 hex digits of SHA-256 over the salt and them."""
    start = hashlib.sha256(salt.hex().encode())
    result = []
    for address, agent, day in parts:
        digest = start.copy()
        digest.update(f"\x1f{address}\x1f{agent}\x1f{day}".encode())
        result.append(digest.hexdigest()[:16])
    return result


def kept_parameters(settings: LogSettings) -> tuple[str, ...]:
    """Names of the parameters that are kept, `utm_…` not counted: they are told by their beginning."""
    click_ids = [row["click_id_type"] for row in load_list("click_id").rows]
    return tuple(dict.fromkeys([*click_ids, *settings.keep_parameters, *settings.search_parameters]))


def _kept_pattern(settings: LogSettings) -> str:
    names = "|".join(re.escape(name) for name in sorted(kept_parameters(settings), key=len, reverse=True))
    return rf"(?:^|[&;?])(?:amp;)?((?i:utm_[a-z_]+|{names})=[^&;]*)"


def minimal_query(query: pl.Series, settings: LogSettings) -> pl.Series:
    """The queries with what is kept of them, in order; null where nothing is.

    A kept value that holds an e-mail address, and a word searched for that holds one or a long number, are withheld.
    """
    if settings.query == "none":
        return pl.repeat(None, len(query), dtype=pl.String, eager=True)
    present = query.is_not_null() & (query != "")
    texts = query.filter(present.fill_null(False))
    if not len(texts):
        return pl.repeat(None, len(query), dtype=pl.String, eager=True)
    if settings.query == "minimal":
        pairs = texts.str.extract_all(_kept_pattern(settings))
        texts = pairs.list.eval(pl.element().str.replace(r"^[&;?]?(?:amp;)?", "")).list.join("&")
    frame = pl.DataFrame({"q": texts})
    if texts.str.contains("@", literal=True).any() or texts.str.contains("%40", literal=True).any():
        frame = frame.select(pl.col("q").str.replace_all(E_MAIL, "${1}" + WITHHELD))
    if settings.query == "minimal" and settings.search_parameters:
        names = "|".join(re.escape(name) for name in settings.search_parameters)
        number = rf"(^|&)((?i:{names})=)[^&]*\d(?:[ +.\-/()]|%20|%2B)*(?:\d(?:[ +.\-/()]|%20|%2B)*){{5,}}[^&]*"
        if frame["q"].str.contains(number).any():
            frame = frame.select(pl.col("q").str.replace_all(number, f"${{1}}${{2}}{WITHHELD}"))
    kept = frame.select(pl.when(pl.col("q") != "").then(pl.col("q"))).to_series()
    if len(kept) == len(query):
        return kept
    result = pl.repeat(None, len(query), dtype=pl.String, eager=True)
    return result.scatter(present.fill_null(False).arg_true(), kept)


def clean_paths(path: pl.Series) -> pl.Series:
    """Paths without e-mail addresses and session ids in them."""
    if path.str.contains("@", literal=True).any() or path.str.contains("%40", literal=True).any():
        path = path.str.replace_all(E_MAIL, "${1}" + WITHHELD)
    if path.str.contains(";", literal=True).any():
        path = path.str.replace_all(r"(?i);(?:jsessionid|phpsessid|sid)=[^/?;]*", "")
    return path


def clean_referrers(referrer: pl.Series, settings: LogSettings) -> pl.Series:
    """Addresses a visit came from: without user name, fragment and the parameters that are not kept; distinct ones."""
    parts = referrer.str.splitn("#", 2).struct.field("field_0").str.splitn("?", 2).struct.unnest()
    place = clean_paths(parts["field_0"].str.replace(r"^([A-Za-z][\w+.-]*://)[^/@]*@", "$1"))
    query = minimal_query(parts["field_1"], settings)
    return pl.select(
        pl.concat_str([place, pl.when(query.is_not_null()).then("?" + query).otherwise(pl.lit(""))])
    ).to_series()


def clean_text(text: str, settings: LogSettings) -> str:
    """A line that could not be read, for a person to look at: without addresses, e-mail addresses, secrets and queries."""
    kept = {name.casefold() for name in kept_parameters(settings)}

    def parameter(match: re.Match[str]) -> str:
        name = match[1].casefold()
        return match[0] if name in kept or name.startswith("utm_") else f"{match[1]}={WITHHELD}"

    if settings.query != "all":
        text = _PARAMETER_TEXT.sub(parameter, text)
    folded = text.casefold()
    if any(name in folded for name in _SECRET_NAMES):
        text = _JSON_SECRET.sub(rf'\1"{WITHHELD}"', text)
    if "@" in text or "%40" in text:
        text = _E_MAIL_TEXT.sub(rf"\1{WITHHELD}", text)
    for pattern in (_IPV6_TEXT, _IPV4_TEXT) if ":" in text else (_IPV4_TEXT,):
        text = pattern.sub(
            lambda found: mask_address(found[0], settings.ipv4_bits, settings.ipv6_bits) or found[0], text
        )
    return text


def names_in(cookies: pl.Series, name: str) -> pl.Series:
    """The value of one cookie in `Cookie` headers."""
    return cookies.str.extract(rf"(?:^|;\s*){re.escape(name)}=\"?([^;\"]*)", 1)


def distinct_hashes(
    address: Sequence[str | None], agent: Sequence[str | None], day: Sequence[str], salt: bytes
) -> pl.Series:
    """`visitor_hashes` of columns; null where there is no address."""
    made = visitor_hashes(((a or "", b or "", c) for a, b, c in zip(address, agent, day, strict=True)), salt)
    return pl.Series([None if not a else value for a, value in zip(address, made, strict=True)], dtype=pl.String)
