"""Chromium and axe-core, and what a page that is looked at must not do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from browser_gateway import PAGES_PASSWORD, Site
from peer_programs import need, npm_packages
from playwright.sync_api import Browser, Page, Playwright

PEERS = Path(__file__).with_name("peers")
SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"
PATIENCE_MS = 60_000
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 320, "height": 720}


def launch(playwright: Playwright) -> Browser:
    """Debian's Chromium."""
    return playwright.chromium.launch(
        executable_path=need("chromium", "chromium"),
        args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
    )


def axe_script() -> str:
    """axe-core, as the lock file says."""
    return (npm_packages(PEERS) / "axe-core" / "axe.min.js").read_text("utf-8")


class Watched:
    """A page whose mistakes are collected: console errors, failed scripts, requests to elsewhere."""

    def __init__(self, page: Page, site: Site) -> None:
        self.page = page
        self.mistakes: list[str] = []
        page.set_default_timeout(PATIENCE_MS)
        page.on(
            "console", lambda line: self._note(line.type in ("error", "warning"), f"console: {line.text}")
        )
        page.on("pageerror", lambda error: self._note(True, f"script: {error}"))
        page.on(
            "request", lambda request: self._note(not request.url.startswith(site.url), f"asks {request.url}")
        )

    def _note(self, is_mistake: bool, text: str) -> None:
        if is_mistake:
            self.mistakes.append(text)


@contextmanager
def visitor(browser: Browser, site: Site, **options: Any) -> Iterator[Watched]:
    """A page in a context of its own; its mistakes fail at the end."""
    context = browser.new_context(base_url=site.url, **{"viewport": DESKTOP, "locale": "en-GB", **options})
    try:
        watched = Watched(context.new_page(), site)
        yield watched
        assert not watched.mistakes
    finally:
        context.close()


def log_in(page: Page, user: str) -> None:
    """By the form, as people do."""
    page.goto("/login")
    page.fill("#name", user)
    page.fill("#password", PAGES_PASSWORD)
    page.press("#password", "Enter")
    page.wait_for_url("/")


def violations(page: Page, script: str) -> list[str]:
    """What axe-core says against the page as it is now."""
    page.evaluate(script)
    found = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{rule['id']}: {rule['help']} – {json.dumps([node['html'] for node in rule['nodes']][:3])}"
        f" {rule['nodes'][0]['failureSummary']}"
        for rule in found["violations"]
    ]


def keep(page: Page, name: str) -> None:
    """A screenshot of the whole page in build/screenshots."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)


def is_too_wide(page: Page) -> bool:
    """Whether one would have to scroll the whole page sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))
