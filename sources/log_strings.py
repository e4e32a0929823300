r"""Format strings of Apache (`LogFormat`) and nginx (`log_format`) turned into formats as `log_formats.py` describes them.

A whole directive may be given as it stands in the server's configuration, or its quoted part alone.

Does not belong here: formats known by name, reading lines.
"""

from __future__ import annotations

import json
import re

from sources.log_formats import CLF_TIME, EPOCH, EPOCH_MS, EPOCH_US, ISO, Field, LineFormat, LogFormat, json_keys


class LogFormatError(ValueError):
    """A format string that cannot be read; the message says where and what to do."""


_SKIP = Field("skip")

_APACHE = {
    "h": "address", "a": "address", "u": "user", "r": "request", "s": "status", "b": "bytes", "B": "bytes", "O": "bytes",
    "D": "response_us", "T": "response_s", "m": "method", "U": "path", "q": "query", "H": "protocol", "v": "host", "V": "host",
}  # fmt: skip
_APACHE_SKIP = set("AfkIlLpPRSX^")
_HEADERS = {
    "referer": "referrer", "user-agent": "user_agent", "host": "host", "x-forwarded-for": "forwarded", "cookie": "cookies",
}  # fmt: skip
_ADDRESS_PARTS = {("path", "", "query"), ("path", "?", "query"), ("path", "", "skip")}
_UNITS = {"s": "response_s", "ms": "response_ms", "us": "response_us"}
_MOMENTS = {"sec": EPOCH, "msec": EPOCH_MS, "usec": EPOCH_US, "msec_frac": "%3f", "usec_frac": "%6f"}
_DIRECTIVE = re.compile(r"%[!\d,]*[<>]?(?:\{([^}]*)\})?(\^?[A-Za-z]{1,2})")


def apache_format(name: str, text: str) -> LineFormat:
    """The format of an Apache `LogFormat` string; raises `LogFormatError`."""
    match = re.fullmatch(r'\s*(?:LogFormat|CustomLog\s+\S+)\s+"((?:[^"\\]|\\.)*)".*', text, re.DOTALL | re.IGNORECASE)
    body = match[1] if match else text
    body = re.sub(r'\\(["\\nt])', lambda m: {"n": "\n", "t": "\t"}.get(m[1], m[1]), body)
    fields: list[Field] = []
    literals = [""]
    at = 0
    while at < len(body):
        if body.startswith("%%", at):
            literals[-1] += "%"
            at += 2
            continue
        if body[at] != "%":
            literals[-1] += body[at]
            at += 1
            continue
        found = _DIRECTIVE.match(body, at)
        if found is None:
            raise LogFormatError(f"{name}: {body[at : at + 12]!r} at character {at + 1} is no directive of LogFormat")
        argument, letter = found[1], found[2]
        # A directive is one letter, or ^ and two.
        letter = letter if letter.startswith("^") else letter[0]
        at = found.start(2) + len(letter)
        if letter == "t" and not argument:
            # Apache writes the brackets itself.
            literals[-1] += "["
            fields.append(Field("time", CLF_TIME))
            literals.append("]")
            continue
        fields.append(_apache_field(name, argument, letter))
        literals.append("")
    return _checked(name, fields, literals)


def _apache_field(name: str, argument: str | None, letter: str) -> Field:
    if letter == "i" and argument:
        return Field(_HEADERS.get(argument.casefold(), f"header:{argument.casefold()}"))
    if letter in ("o", "e", "n") and argument:
        # mod_usertrack notes its cookie under this name.
        return Field("cookie:cookie" if letter == "n" and argument == "cookie" else f"header:{argument.casefold()}")
    if letter == "C" and argument:
        return Field(f"cookie:{argument}")
    if letter == "t" and argument is not None:
        argument = argument.removeprefix("begin:").removeprefix("end:")
        return Field("time", _MOMENTS.get(argument, argument))
    if letter == "T" and argument:
        if argument not in _UNITS:
            raise LogFormatError(f"{name}: %{{{argument}}}T: the unit is one of s, ms and us")
        return Field(_UNITS[argument])
    if letter in _APACHE:
        return Field(_APACHE[letter])
    if letter[0] in _APACHE_SKIP:
        return _SKIP
    raise LogFormatError(f"{name}: %{letter} is no directive of LogFormat")


_NGINX = {
    "remote_addr": "address", "realip_remote_addr": "address", "proxy_protocol_addr": "address",
    "http_x_forwarded_for": "forwarded", "proxy_add_x_forwarded_for": "forwarded", "remote_user": "user",
    "request": "request", "request_method": "method", "request_uri": "target", "uri": "path", "document_uri": "path",
    "args": "query", "query_string": "query", "server_protocol": "protocol", "status": "status",
    "body_bytes_sent": "bytes", "bytes_sent": "bytes", "http_referer": "referrer", "http_user_agent": "user_agent",
    "host": "host", "http_host": "host", "server_name": "host", "request_time": "response_s",
    "upstream_response_time": "upstream_s", "http_cookie": "cookies", "uid_got": "cookie:uid", "uid_set": "skip",
}  # fmt: skip
_NGINX_TIMES = {"time_local": CLF_TIME, "time_iso8601": ISO, "msec": EPOCH}
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


def nginx_format(name: str, text: str) -> LogFormat:
    """The format of an nginx `log_format` string, text or JSON; raises `LogFormatError`."""
    match = re.fullmatch(r"\s*log_format\s+\S+\s+(?:escape=\w+\s+)?(.*?);?\s*", text, re.DOTALL)
    body = match[1] if match else text
    body = re.sub(r"^\s*escape=\w+\s+", "", body)
    quoted = re.findall(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"", body) if re.match(r"\s*['\"]", body) else []
    rest = re.sub(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"", "", body).strip(" \n\t;")
    if quoted and not rest:
        body = "".join(re.sub(r"\\(['\"\\])", r"\1", one or two) for one, two in quoted)
    if body.lstrip().startswith("{"):
        return _nginx_json(name, body)
    fields: list[Field] = []
    literals = [""]
    at = 0
    for found in _VARIABLE.finditer(body):
        literals[-1] += body[at : found.start()]
        fields.append(_nginx_field(found[1] or found[2]))
        literals.append("")
        at = found.end()
    literals[-1] += body[at:]
    return _checked(name, fields, literals)


def _nginx_field(variable: str) -> Field:
    if variable in _NGINX_TIMES:
        return Field("time", _NGINX_TIMES[variable])
    if variable in _NGINX:
        return Field(_NGINX[variable])
    if variable.startswith("cookie_"):
        return Field("cookie:" + variable.removeprefix("cookie_"))
    for prefix in ("http_", "sent_http_", "upstream_http_"):
        if variable.startswith(prefix):
            return Field("header:" + variable.removeprefix(prefix).replace("_", "-"))
    return _SKIP


def _nginx_json(name: str, body: str) -> LogFormat:
    """`escape=json`: the template is JSON itself, with variables for values."""
    # A variable outside quotation marks (a number) gets them, so that the template can be read.
    text = re.sub(r'("(?:[^"\\]|\\.)*")|\$\{?(\w+)\}?', lambda m: m[1] or f'"${m[2]}"', body)
    try:
        template = json.loads(text)
    except ValueError as error:
        raise LogFormatError(f"{name}: begins like JSON but is none: {error}") from None
    if not isinstance(template, dict):
        raise LogFormatError(f"{name}: one JSON object a line is read, not {type(template).__name__}")
    keys = {}
    for key, value in template.items():
        variable = _VARIABLE.fullmatch(value) if isinstance(value, str) else None
        if variable:
            keys[key] = _nginx_field(variable[1] or variable[2])
    form = json_keys(keys, name)
    _check_kinds(name, [item for item, _ in form.paths])
    return form


# --- checks ----------------------------------------------------------------------------------------------------------


def _checked(name: str, fields: list[Field], literals: list[str]) -> LineFormat:
    fields, literals = _joined_targets(*_joined_times(fields, literals))
    for index, literal in enumerate(literals[1:-1], 1):
        if not literal:
            raise LogFormatError(
                f"{name}: nothing stands between field {index} and {index + 1}, so nobody can tell where the first ends"
            )
    _check_kinds(name, fields)
    return LineFormat(name, tuple(fields), tuple(literals))


def _joined_times(fields: list[Field], literals: list[str]) -> tuple[list[Field], list[str]]:
    """Pieces of a time that stand together (`%{%F}t %{%T}t.%{msec_frac}t`) are one field."""
    joined: list[Field] = []
    between = [literals[0]]
    for item, literal in zip(fields, literals[1:], strict=True):
        if joined and item.kind == "time" and joined[-1].kind == "time" and len(between[-1]) <= 1:
            if ISO in (item.form, joined[-1].form) or EPOCH in (item.form, joined[-1].form):
                item = _SKIP
            else:
                joined[-1] = Field("time", joined[-1].form + between[-1] + item.form)
                between[-1] = literal
                continue
        joined.append(item)
        between.append(literal)
    first = next((n for n, item in enumerate(joined) if item.kind == "time"), None)
    # A second time elsewhere says nothing new.
    joined = [_SKIP if item.kind == "time" and n != first else item for n, item in enumerate(joined)]
    return joined, between


def _joined_targets(fields: list[Field], literals: list[str]) -> tuple[list[Field], list[str]]:
    """Parts of an address that stand together (`%U%q`, `$uri?$args`, `$scheme://$host$request_uri`) are one field."""
    joined: list[Field] = []
    between = [literals[0]]
    for item, literal in zip(fields, literals[1:], strict=True):
        before = joined[-1].kind if joined else ""
        parts = (before, between[-1], item.kind)
        # `$is_args` is read over: it stands between a path and a query.
        if parts in _ADDRESS_PARTS or (parts == ("host", "", "target") and between[-2] == "://"):
            joined[-1] = Field("path" if item == _SKIP else "target")
            between[-1] = literal
            if before == "host":
                # The scheme before the host belongs to it too.
                joined[-2:] = [Field("target")]
                between[-2:] = [literal]
            continue
        joined.append(item)
        between.append(literal)
    return joined, between


def _check_kinds(name: str, fields: list[Field]) -> None:
    have = {item.kind for item in fields}
    if "time" not in have:
        raise LogFormatError(f"{name}: without a time (%t, $time_local, …) a request cannot be placed")
    if not have & {"request", "target", "path"}:
        raise LogFormatError(f"{name}: without the request (%r, $request, %U, …) a line says nothing")
    if "status" not in have:
        raise LogFormatError(f"{name}: without the status (%>s, $status) a page seen and an error look the same")
