"""Settings of access logs on their way from the configuration to the spec that reads the logs."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.configuration import ConfigurationError, load_configuration
from pipelines.configured import configured_catalog
from sources.log_privacy import kept_parameters
from sources.read_log import log_format


def catalog_of(folder: Path, text: str):
    path = folder / "touchpoint360.yaml"
    path.write_text(text, encoding="utf-8")
    return configured_catalog(load_configuration(path), path)


def test_settings_reach_the_spec_and_files_are_read_anew(tmp_path):
    plain = catalog_of(tmp_path, "company: A\n").exports["access_log.request"]
    assert (plain.read.log.ipv4_bits, plain.read.log.ipv6_bits, plain.read.log.visitor_of) == (16, 48, "address")
    assert {"gclid", "mc_eid", "order", "q"} <= set(kept_parameters(plain.read.log))
    spec = catalog_of(
        tmp_path,
        """
access_log:
  formats: [{name: shop, apache: '%v|%a|%t|%r|%>s'}]
  cookies: {sid: cookie}
web: {keep_parameters: [size]}
privacy: {ipv4_bits: 24, visitor_of: masked_address}
""",
    ).exports["access_log.request"]
    log = spec.read.log
    assert (log.ipv4_bits, log.ipv6_bits, log.visitor_of, log.cookies) == (24, 48, "masked_address", {"sid": "cookie"})
    assert "size" in kept_parameters(log)
    found = log_format(b"shop.example.org|192.0.2.7|[18/May/2026:00:30:00 +0000]|GET /a HTTP/1.1|200\n", log)
    assert found is not None
    assert found.name == "shop"
    assert spec.read_hash != plain.read_hash


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("access_log: {formats: [{name: shop, apache: '%h %r %>s'}]}", "access_log.formats: shop: without a time"),
        ("access_log: {formats: [{name: shop}]}", "either apache or nginx"),
        ("access_log: {query: some}", "access_log.query"),
        ("access_log: {cookies: {sid: Cookie Monster}}", "access_log.cookies.sid"),
        ("privacy: {ipv4_bits: 33}", "privacy.ipv4_bits"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(tmp_path, text, what):
    with pytest.raises(ConfigurationError, match=what):
        catalog_of(tmp_path, text)
