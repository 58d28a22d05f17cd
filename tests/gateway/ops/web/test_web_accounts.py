"""The pages of accounts: limits with their use, and money that an operator puts in or takes out once."""

from __future__ import annotations

from typing import Any

import pytest
from gateway_fakes import NOW_MS
from web_pages import pages
from web_visits import visited

ROW: dict[str, Any] = {
    "account": "shop",
    "parent": None,
    "payer": "shop",
    "balance": "20.00",
    "credit": "5.00",
    "left": "25.00",
    "currency": "EUR",
    "sessions": 2,
    "open_messages": 7,
    "state": "open",
    "accepted": 1234,
    "rate": 50,
    "undelivered": 3,
    "undelivered_more": False,
    "oldest_s": 61.0,
    "today": 40,
    "per_day": 100,
}
PART = {**ROW, "account": "shop-2", "parent": "shop", "payer": None, "balance": None, "currency": None}
DETAILS = {
    **{
        name: ROW[name] for name in ROW if name not in ("rate", "undelivered", "undelivered_more", "oldest_s")
    },
    "parts": ["shop-2"],
    "prices": "retail",
    "refund": "unsent",
    "tags": ["gold"],
}
FOUND: dict[str, Any] = {
    "account": DETAILS,
    "changes": [{"at_ms": NOW_MS, "who": "olga", "amount": "20.00", "balance": "20.00", "note": "<i>17</i>"}],
    "limits": {
        "rate": 50,
        "window": 10,
        "max_open": 1000,
        "max_segments": 8,
        "per_day": 100,
        "per_number": 5,
        "per_text": None,
        "per_address": None,
        "hours": None,
        "flood": None,
        "repeat_s": None,
    },
    "days": [{"account": "shop", "today": 40, "per_day": 100}],
    "allowed_sources": ["SHOP"],
    "receivers": 1,
    "returned": 1000,
    "undelivered": 10_000,
    "undelivered_more": True,
    "oldest_s": 61.0,
    "now_ms": NOW_MS,
    "once": "7.abc",
}
CHANGED = {"account": "shop", "amount": "12.50", "balance": "32.50", "currency": "EUR"}
FORM = {"word": "credit", "amount": "12.50", "note": "invoice 17", "once": "7.abc", "currency": "EUR"}


def listed(*rows: dict[str, Any], more: str | None = None) -> dict[str, Any]:
    return {"accounts_page": {"accounts": list(rows), "next": more, "count": len(rows), "now_ms": NOW_MS}}


@visited
async def test_all_with_sessions_use_and_money() -> None:
    async with pages(listed(ROW, PART, more="shop-2"), role="viewer") as client:
        page = await client.get("/accounts?name=sh&after=a")
        asked = {"command": "accounts_page", "name": "sh", "after": "a", "limit": 50}
        assert client.asked == [asked]
    for text in (
        "40 / 100",
        "20.00 EUR",
        "oldest 1 min 1 s",
        "/accounts?name=sh&amp;after=shop-2",
        "/accounts/shop-2",
    ):
        assert text in page.text


@visited
async def test_one_with_limits_what_waits_and_changes() -> None:
    async with pages({"account": FOUND}, role="viewer") as client:
        page = await client.get("/accounts/shop")
        assert client.asked == [{"command": "account", "account": "shop", "for_page": True}]
    for text in (
        "40 / 100",
        "7 / 1000",
        "10,000+",
        "25.00 EUR",
        "&lt;i&gt;17&lt;/i&gt;",
        "olga",
        "SHOP",
        "retail",
    ):
        assert text in page.text
    assert "/credit" not in page.text


@visited
async def test_an_operator_has_the_form_with_an_id_that_counts_once() -> None:
    async with pages({"account": FOUND}, role="operator") as client:
        page = await client.get("/accounts/shop")
        assert 'action="/accounts/shop/credit"' in page.text
        assert 'name="once" value="7.abc"' in page.text
        without = {**FOUND, "account": {**DETAILS, "payer": "head"}}
    async with pages({"account": without}, role="operator") as client:
        page = await client.get("/accounts/shop")
    assert "/credit" not in page.text
    assert "/accounts/head" in page.text


@visited
async def test_a_change_is_asked_about_before_it_is_made() -> None:
    async with pages({"account": FOUND, "account_credit": CHANGED}, role="operator") as client:
        page = await client.post("/accounts/shop/credit", FORM)
        assert client.asked == []
        assert "Put 12.50 EUR in?" in page.text
        for name, value in {**FORM, "confirmed": "yes"}.items():
            assert f'name="{name}" value="{value}"' in page.text
        page = await client.post("/accounts/shop/credit", {**FORM, "confirmed": "yes"})
        asked = {"command": "account_credit", "account": "shop", "amount": "12.50"}
        assert client.asked == [{**asked, "note": "invoice 17", "once": "7.abc"}]
        assert page.location == "/accounts/shop"
        page = await client.get("/accounts/shop")
    assert "Changed by 12.50: the balance is 32.50 EUR" in page.text


@visited
async def test_what_is_taken_out_is_below_zero() -> None:
    async with pages({"account_credit": CHANGED}, role="operator") as client:
        await client.post("/accounts/shop/credit", {**FORM, "word": "debit", "confirmed": "yes"})
        assert client.asked[0]["amount"] == "-12.50"


@pytest.mark.parametrize("amount", ["", "0", "-1", "1,5", "1e3", "12.50x", "9" * 30])
@visited
async def test_an_amount_that_is_none_is_told_beside_its_field(amount: str) -> None:
    async with pages({"account": FOUND}, role="operator") as client:
        page = await client.post("/accounts/shop/credit", {**FORM, "amount": amount, "confirmed": "yes"})
        assert [asked["command"] for asked in client.asked] == ["account"]
    assert page.status == 400
    assert "Write an amount above 0" in page.text
    assert 'aria-invalid="true"' in page.text


@pytest.mark.parametrize("form", [{**FORM, "word": "steal"}, {**FORM, "once": "", "confirmed": "yes"}])
@visited
async def test_a_form_that_is_not_whole_changes_nothing(form: dict[str, str]) -> None:
    async with pages({}, role="operator") as client:
        page = await client.post("/accounts/shop/credit", form)
        assert client.asked == []
    assert page.status == 400


@visited
async def test_a_refusal_is_told() -> None:
    answers = {"account": FOUND, "account_credit": {"error": "this form was sent before"}}
    async with pages(answers, role="operator") as client:
        page = await client.post("/accounts/shop/credit", {**FORM, "confirmed": "yes"})
        assert page.location == "/accounts/shop"
        assert "this form was sent before" in (await client.get("/accounts/shop")).text


@visited
async def test_a_viewer_may_not_change_it() -> None:
    async with pages({}, role="viewer") as client:
        page = await client.post("/accounts/shop/credit", {**FORM, "confirmed": "yes"})
        assert client.asked == []
    assert page.status == 403
