"""Log in, log out, and who is let in."""

from __future__ import annotations

import asyncio

from web_pages import PASSWORD, pages


def test_a_login_opens_the_pages_and_a_logout_shuts_them() -> None:
    async def check() -> None:
        async with pages(role=None) as client:
            page = await client.get("/login")
            assert page.status == 200 and "Password" in page.text
            page = await client.post("/login", {"name": "olga", "password": PASSWORD})
            assert (page.status, page.location) == (303, "/")
            assert (await client.get("/login")).location == "/"  # known now
            page = await client.post("/logout")
            assert page.location == "/login"
            assert (await client.get("/login")).status == 200

    asyncio.run(check())
