"""Constants of the fictitious company Fjord & Polder: what it sells, where, with which campaigns and pages.

No behaviour and no random numbers here; nothing in this module belongs to a person. Everything that looks like an
address of somebody is reserved or does not exist: domains of RFC 2606 (`.example`, example.com/org/net), documentation
networks (RFC 5737, RFC 3849), telephone ranges that no subscriber has, postal codes that are not issued.

Telephone ranges (checked with `phonenumbers`: possible length, no valid subscriber number):
`+31 6 00xxxxxx` (Dutch mobile numbers start 06-1…5 or 06-8), `+31 19xxxxxxx` (there is no area code 019),
`+45 10xxxxxx` and `+45 11xxxxxx` (Danish numbers do not start with 0 or 1).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

COMPANY = "Fjord & Polder"
SITE = "https://www.fjordpolder.example"
DOMAIN = "fjordpolder.example"
TIME_ZONE = "Europe/Amsterdam"
DAY = 86_400
WEEKS = 26
# The data date: midnight after 31 March 2026 in the company's zone. Day 0 starts 26 weeks earlier.
END = int(datetime(2026, 4, 1, tzinfo=ZoneInfo(TIME_ZONE)).astimezone(UTC).timestamp())
DAYS = WEEKS * 7
START = END - DAYS * DAY

COMPANY_PHONE = "+31190000001"
MAIL_LIST = "5fd0360a11"
ADS_ACCOUNT = "3600000360"


class Product(NamedTuple):
    """One article: its page, its name, what it costs in EUR, and its SAP material number."""

    slug: str
    name: str
    category: str
    price: float
    material: str


PRODUCTS = (
    Product("polder-city-3", "Polder City 3", "e-bikes", 1899.0, "FP-B-101"),
    Product("polder-city-5", "Polder City 5", "e-bikes", 2399.0, "FP-B-102"),
    Product("polder-city-7", "Polder City 7", "e-bikes", 2999.0, "FP-B-103"),
    Product("fjord-trail-1", "Fjord Trail 1", "e-bikes", 2749.0, "FP-B-201"),
    Product("fjord-trail-2", "Fjord Trail 2", "e-bikes", 3499.0, "FP-B-202"),
    Product("fjord-fold", "Fjord Fold", "e-bikes", 1699.0, "FP-B-301"),
    Product("cargo-max", "Cargo Max", "cargo-bikes", 4899.0, "FP-C-101"),
    Product("cargo-family", "Cargo Family", "cargo-bikes", 5299.0, "FP-C-102"),
    Product("battery-500", "Battery 500 Wh", "parts", 549.0, "FP-P-101"),
    Product("battery-750", "Battery 750 Wh", "parts", 749.0, "FP-P-102"),
    Product("charger-4a", "Charger 4A", "parts", 119.0, "FP-P-103"),
    Product("pannier-duo", "Pannier Duo", "accessories", 89.95, "FP-A-101"),
    Product("helmet-hygge", "Helmet Hygge", "accessories", 129.0, "FP-A-102"),
    Product("lock-dijk", "Lock Dijk", "accessories", 79.5, "FP-A-103"),
    Product("child-seat", "Child seat Lille", "accessories", 149.0, "FP-A-104"),
    Product("rain-cape", "Rain cape Noord", "accessories", 64.95, "FP-A-105"),
)
PRODUCT_WEIGHTS = (10, 9, 6, 6, 4, 7, 7, 4, 5, 4, 6, 9, 7, 7, 4, 5)
CARGO = (6, 7)

CATEGORIES = ("e-bikes", "cargo-bikes", "parts", "accessories", "service")
BLOG = ("choosing-your-first-e-bike", "winter-riding", "cargo-with-kids", "battery-care", "touring-the-wadden-sea")
SEARCH_TERMS = ("battery", "accu", "batteri", "helm", "hjelm", "cargo", "bakfiets", "ladcykel", "service", "lader")
DOWNLOADS = ("manual-polder-city.pdf", "size-guide.pdf", "service-plan.pdf")


class Campaign(NamedTuple):
    """One paid campaign: landing page path, utm values and the id the advertising system knows it by."""

    slug: str
    name: str
    source: str
    medium: str
    ads_id: str


CAMPAIGNS = (
    Campaign("e-bike-search", "E-bike search", "google", "cpc", "36000001"),
    Campaign("cargo-family", "Cargo family", "google", "cpc", "36000002"),
    Campaign("winter-sale", "Winter sale", "google", "cpc", "36000003"),
    Campaign("hygge-rides", "Hygge rides", "facebook", "paid_social", "36000004"),
)

# Channels of a web session, in the order of their codes.
PAID_SEARCH, PAID_SOCIAL, ORGANIC, SOCIAL, EMAIL, REFERRAL, DIRECT, STORE, PHONE = range(9)
CHANNELS = (
    "paid_search",
    "paid_social",
    "organic_search",
    "organic_social",
    "email",
    "referral",
    "direct",
    "store",
    "phone",
)
# Log-odds of filling the cart: everybody's, how people differ (standard deviation), what a later episode adds.
CART_LOG_ODDS, TASTE_DEVIATION, RETURNING_LOG_ODDS = -0.1, 0.6, 0.25
# What a first contact through a channel adds to the log-odds of filling the cart. Written to truth/channel_effect.
CHANNEL_EFFECT = (0.25, -0.55, 0.10, -0.35, 0.60, 0.35, 0.0, 0.45, 0.30)

STAFF = ("Mies", "Joost", "Freja", "Anders", "Sanne", "Mikkel")
AGENT_COUNT = 12

# Points of a 0-10 recommendation score that an experience adds. Written to truth/touchpoint_effect.
SATISFACTION_BASE = 7.9
SATISFACTION_EFFECT = {
    "ticket_reopened": -1.2,
    "delivered_late": -0.8,
    "payment_failed": -0.5,
    "long_call_wait": -0.4,
    "service_visit": 0.6,
    "fast_resolution": 0.3,
}

# The newsletter's experiment: every recipient gets one of two subject lines, by lot; the chance that an opened mail is clicked.
EXPERIMENT = "subject"
EXPERIMENT_CLICK = {"subject_a": 0.12, "subject_b": 0.24}

# What a service visit adds to the chance to buy at the till within RETURN_DAYS. Written to truth/return_effect.
RETURN_EFFECT = {"service_visit": 0.30}
RETURN_DAYS = 30
# Buying episodes begin no later than this many days before the end, so that they can come to their own end.
LAST_EPISODE_DAYS = 10

# Planted causes of drop-off: day ranges counted from day 0, inclusive.
PAYMENT_ERROR_DAYS = (56, 83)
DEAD_LANDING_DAYS = (98, 104)
SUPPLIER_DELAY_DAYS = (84, 118)
