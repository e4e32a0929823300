"""Kinds of web requests and stages of a buying episode: the codes that behaviour and the web log share."""

from __future__ import annotations

# Kinds of a web request; PATH_TYPE says which touchpoint a request of the kind is (None: not a touchpoint).
(
    HOME,
    CATEGORY,
    PRODUCT,
    ARTICLE,
    SEARCH,
    LANDING,
    DOWNLOAD,
    CART,
    CHECKOUT,
    PAY,
    PAY_ERROR,
    PAY_FAILED,
    CONFIRMED,
    LOGIN,
    ACCOUNT,
    DEAD_LANDING,
    CONTACT,
    API,
    COMMENT,
    ASSET,
    MAIL_LANDING,
) = range(21)
WEB_TYPE: tuple[str | None, ...] = (
    "page_view",
    "page_view",
    "page_view",
    "page_view",
    "site_search",
    "landing_page_view",
    "content_download",
    "cart_updated",
    "checkout_started",
    None,
    "error_page",
    "payment_failed",
    "page_view",
    "login",
    "page_view",
    "error_page",
    "page_view",
    None,
    None,
    None,
    "landing_page_view",
)
STAGES = ("visit", "cart_updated", "checkout_started", "order_placed")
