# ruff: noqa: E501  (one mistake and its message a line)
"""Settings of the web: mistakes are named with the nearest valid value; rules are asked in their order."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from models.configuration import ConfigurationError, load_configuration
from sources.web import offer_web_functions


def written(folder: Path, text: str) -> Path:
    path = folder / "touchpoint360.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("web: {rulez: []}", "web: unknown key 'rulez'; did you mean 'rules'?"),
        ("web: {rules: [{rule: a, type: page_vew}]}", "'page_vew' is not a touchpoint type; did you mean 'page_view'?"),
        ("web: {rules: [{rule: a, fold: assets}]}", "'assets' is not a reason to fold a request away; did you mean 'asset'?"),
        ("web: {rules: [{rule: a, path: x}]}", "give either type (a touchpoint type) or fold (program,"),
        ("web: {rules: [{rule: a, type: page_view, fold: asset}]}", "give either type"),
        ("web: {rules: [{rule: a, path: '(x', type: login}]}", "'(x' is not a regular expression that DuckDB knows"),
        ("web: {rules: [{rule: a, path: '(?=x)', type: login}]}", "'(?=x)' is not a regular expression that DuckDB knows"),
        ("web: {rules: [{rule: a, status: 60x, type: login}]}", "'60x' is not a status; write 404 or 4xx"),
        ("web: {rules: [{rule: a, methods: get, type: login}]}", "'get' is not a method; write GET, POST"),
        ("web: {rules: [{rule: a, methods: [GET, '!POST'], type: login}]}", "methods are either those meant"),
        ("web: {rules: [{rule: asset, path: x, type: login}]}", "'asset' is the name of two rules"),
        ("web: {default_rules: [{rule: a, path: x, type: login}]}", "the last rule must take every request"),
        ("web: {own_domains: ['https://shop.example/']}", "'https://shop.example/' is not a host"),
        ("web: {sources: [{host: a.example, kind: serch}]}", "'serch' is not a kind of source; did you mean 'search'?"),
        ("web: {channel_rules: [{rule: a, group: X}]}", "rule 'a' has no condition"),
        ("web: {channel_rules: [{rule: a, group: X, click_id: gclit}]}", "'gclit' is not a click id of the list; did you mean 'gclid'?"),
        ("web: {channel_rules: [{rule: a, group: X, medium: '['}]}", "'[' is not a regular expression"),
        ("web: {search_parameters: ['q=1']}", "'q=1' is not the name of a parameter"),
        ("web: {robots: {pages_per_minut: 1}}", "web.robots: unknown key 'pages_per_minut'; did you mean 'pages_per_minute'?"),
        ("web: {robots: {active_hours: 25}}", "web.robots.active_hours"),
        ("web: {last_non_direct_days: 0}", "web.last_non_direct_days"),
        ("session: {max_hours: 0.25}", "max_hours is 0.25, shorter than one pause of 30 minutes"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_what_would_be_right(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(written(tmp_path, text))
    assert message in str(caught.value)


AGENT = "Mozilla/5.0 (X11; Linux x86_64) Firefox/130.0"


@pytest.mark.parametrize(
    ("method", "path", "query", "status", "touchpoint_type", "fold"),
    [
        ("GET", "/", None, 200, "page_view", None),
        ("GET", "/", None, 304, "page_view", None),
        ("GET", "/style.CSS", None, 200, None, "asset"),
        ("GET", "/missing.png", None, 404, None, "asset"),
        ("GET", "/healthz", None, 200, None, "health_check"),
        ("GET", "/old", None, 301, None, "redirect"),
        ("GET", "/robots.txt", None, 200, None, "program"),
        ("HEAD", "/", None, 200, None, "program"),
        (None, r"\x16\x03\x01", None, 400, None, "program"),
        ("GET", "/api/cart", None, 200, None, "background"),
        ("GET", "/gone", None, 404, "error_page", None),
        ("POST", "/checkout/payment", None, 500, "error_page", None),
        ("GET", "/api/cart", None, 503, "error_page", None),
        ("POST", "/cart/add", None, 303, "cart_updated", None),
        ("POST", "/account/login", None, 302, "login", None),
        ("POST", "/contact/submit", None, 200, "form_submitted", None),
        ("POST", "/wp-comments-post.php", None, 302, None, "form_post"),
        ("GET", "/contact/thank-you", None, 200, "form_submitted", None),
        ("GET", "/offerte", None, 200, "form_started", None),
        ("GET", "/checkout", None, 200, "checkout_started", None),
        ("GET", "/checkout/payment-failed", None, 200, "payment_failed", None),
        ("GET", "/search", None, 200, "site_search", None),
        ("GET", "/shop", "page=2&q=helm", 200, "site_search", None),
        ("GET", "/shop", "q=", 200, "page_view", None),
        ("GET", "/files/manual.pdf", None, 200, "content_download", None),
        ("GET", "/lp/spring", None, 200, "landing_page_view", None),
        ("GET", "/", "utm_source=news", 200, "landing_page_view", None),
        ("GET", "/", "a=1&GCLID=x", 200, "landing_page_view", None),
    ],
)  # fmt: skip
def test_default_rules(
    method: str | None, path: str, query: str | None, status: int, touchpoint_type: str | None, fold: str | None
) -> None:
    con = duckdb.connect()
    offer_web_functions(con.execute)
    given = [method, path, query, status, AGENT]
    found = con.execute("select web_touchpoint_type(?, ?, ?, ?, ?), web_fold(?, ?, ?, ?, ?)", given * 2).fetchall()
    assert found == [(touchpoint_type, fold)]


def test_own_rules_are_asked_before_the_default_ones(tmp_path: Path) -> None:
    configuration = load_configuration(
        written(
            tmp_path,
            """
web:
  rules:
    - {rule: own_probe, agent: "^Probe/", fold: health_check}
    - {rule: not_get, methods: ['!GET', '!POST'], path: '^/beacon', type: page_view}
    - {rule: soft_404, path: '^/not-found', status: [2xx], type: error_page}
""",
        )
    )
    con = duckdb.connect()
    offer_web_functions(con.execute, configuration)

    def kind(method: str, path: str, agent: str = AGENT, status: int = 200) -> tuple[str | None, str | None]:
        given = [method, path, None, status, agent]
        (row,) = con.execute("select web_touchpoint_type(?, ?, ?, ?, ?), web_fold(?, ?, ?, ?, ?)", given * 2).fetchall()
        return row  # type: ignore[no-any-return]

    assert kind("GET", "/", "Probe/1.0") == (None, "health_check")
    assert kind("HEAD", "/beacon") == ("page_view", None)
    assert kind("HEAD", "/other") == (None, "program")
    assert kind("GET", "/not-found") == ("error_page", None)
    assert kind("GET", "/") == ("page_view", None)


@pytest.mark.parametrize(
    ("referrer", "host"),
    [
        ("https://www.google.nl/search?q=x", "google.nl"),
        ("http://Shop.example:8080/a", "shop.example"),
        ("android-app://com.google.android.gm/", "com.google.android.gm"),
        ("//cdn.example/x", "cdn.example"),
        ("https://user@site.example/", "site.example"),
        ("about:blank", None),
        ("-", None),
        (None, None),
    ],
)
def test_host_of_a_referrer(referrer: str | None, host: str | None) -> None:
    con = duckdb.connect()
    offer_web_functions(con.execute)
    assert con.execute("select web_source_host(?)", [referrer]).fetchall() == [(host,)]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("/unsubscribe/anna@example.org/now", "/unsubscribe/…/now"),
        ("/u/anna%40example.org", "/u/…"),
        ("cargo bikes", "cargo bikes"),
        ("call +31 6 0012 3456", "call …"),
        ("battery 500", "battery 500"),
    ],
)
def test_what_looks_like_a_person_is_left_out(text: str, left: str) -> None:
    con = duckdb.connect()
    offer_web_functions(con.execute)
    assert con.execute("select web_without_number(web_without_address(?))", [text]).fetchall() == [(left,)]
