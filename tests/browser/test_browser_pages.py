"""The pages in a real browser: no mistakes, no barriers, nothing from elsewhere; and what people do.

One gateway and one browser for all: the file is the unit of `pytest --dist loadfile`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from browser_gateway import DEAD, OPERATOR, PAGES_PASSWORD, Site, a_day, whole_gateway
from browser_support import (
    DESKTOP,
    PATIENCE_MS,
    PHONE,
    Watched,
    axe_script,
    is_too_wide,
    keep,
    launch,
    log_in,
    violations,
    visitor,
)
from peer_programs import need
from playwright.sync_api import Browser, StorageState, expect, sync_playwright

from gateway.ops.web.pages import NAVIGATION, routes

pytestmark = pytest.mark.interop
expect.set_options(timeout=PATIENCE_MS)
VARIANTS = {
    "light": {"viewport": DESKTOP, "color_scheme": "light"},
    "dark": {"viewport": DESKTOP, "color_scheme": "dark"},
    "phone": {"viewport": PHONE, "has_touch": True, "is_mobile": True},
    "russian": {"viewport": DESKTOP, "locale": "ru-RU"},
}
REFRESH = "document.dispatchEvent(new Event('visibilitychange'))"
"""What live.js does when somebody comes back to its tab: it asks at once."""
PATHS = [path for path, _ in NAVIGATION]
SUBJECTS = {"/connectors/{name}": "/connectors/north", "/accounts/{name}": "/accounts/shop"}
"""Addresses with variables, and one that is there; a message's is known when there are messages."""
NO_PAGES = {"/overview/live", "/login", "/static/{name}", "/messages/{id}"}
"""What is no page, or has a test of its own."""
OTHERS = sorted(
    SUBJECTS.get(route.path, route.path)
    for route in routes()
    if route.method == "GET" and route.role != "monitor" and route.path not in {*PATHS, *NO_PAGES}
)


@dataclass(frozen=True)
class Looked:
    """What is there for all tests."""

    site: Site
    browser: Browser
    axe: str
    login: StorageState
    """Cookies of the operator."""
    variants: dict[str, Watched]
    ids: list[str]

    def operator(self, **options: Any) -> AbstractContextManager[Watched]:
        """A visitor who is logged in."""
        return visitor(self.browser, self.site, storage_state=self.login, **options)


@pytest.fixture(scope="module")
def looked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Looked]:
    need("chromium", "chromium")
    axe = axe_script()
    with ExitStack() as stack:
        site = stack.enter_context(whole_gateway(tmp_path_factory.mktemp("site")))
        ids = asyncio.run(a_day(site))
        browser = launch(stack.enter_context(sync_playwright()))
        stack.callback(browser.close)
        with visitor(browser, site) as first:
            log_in(first.page, OPERATOR)
            login = first.page.context.storage_state()
        looked = Looked(site, browser, axe, login, {}, ids)
        for name, options in VARIANTS.items():
            looked.variants[name] = stack.enter_context(looked.operator(**options))
        yield looked


def name_of(path: str) -> str:
    return path.strip("/").replace("/", "-") or "overview"


def look(looked: Looked, watched: Watched, path: str, variant: str) -> None:
    page = watched.page
    watched.mistakes.clear()
    response = page.goto(path)
    assert response is not None
    assert response.status == 200, page.inner_text("main")
    expect(page.locator("h1")).to_be_visible()
    keep(page, f"{name_of(path)}-{variant}")
    assert not is_too_wide(page)
    assert violations(page, looked.axe) == []
    assert watched.mistakes == []


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("path", PATHS)
def test_each_page_of_the_menu_is_without_mistakes_and_barriers(
    looked: Looked, path: str, variant: str
) -> None:
    look(looked, looked.variants[variant], path, variant)
    expect(looked.variants[variant].page.locator("nav [aria-current=page]")).to_have_count(1)


@pytest.mark.parametrize("path", OTHERS)
def test_so_is_each_page_that_these_lead_to(looked: Looked, path: str) -> None:
    assert "{" not in path, "SUBJECTS lacks a path of this kind that is there"
    look(looked, looked.variants["phone"], path, "phone")


def test_a_wrong_password_is_said_and_the_right_one_opens_until_the_logout(looked: Looked) -> None:
    with visitor(looked.browser, looked.site) as watched:
        page = watched.page
        page.goto("/messages")
        expect(page).to_have_url(f"{looked.site.url}/login")
        keep(page, "login-light")
        assert violations(page, looked.axe) == []
        page.fill("#name", OPERATOR)
        page.fill("#password", "wrong")
        page.press("#password", "Enter")
        expect(page.get_by_text("The name or the password is wrong.")).to_be_visible()
        assert violations(page, looked.axe) == []
        watched.mistakes.clear()  # the browser's own line about the status 403
        log_in(page, OPERATOR)
        expect(page.locator("h1")).to_have_text("Overview")
        page.get_by_role("button", name="Log out").click()
        expect(page).to_have_url(f"{looked.site.url}/login")
        page.goto("/")
        expect(page).to_have_url(f"{looked.site.url}/login")


def test_everything_is_reached_by_keyboard_alone(looked: Looked) -> None:
    with visitor(looked.browser, looked.site) as watched:
        page, press = watched.page, watched.page.keyboard.press
        page.goto("/login")
        expect(page.locator("#name")).to_be_focused()
        page.keyboard.type(OPERATOR)
        press("Tab")
        page.keyboard.type(PAGES_PASSWORD)
        press("Enter")
        expect(page.locator("h1")).to_have_text("Overview")
        press("Tab")
        expect(page.locator(".skip")).to_be_focused()
        press("Enter")
        expect(page.locator("main")).to_be_focused()
        press("Tab")
        expect(page.get_by_role("link", name="Refresh")).to_be_focused()
        page.reload()
        link = page.get_by_role("navigation", name="Main").get_by_role("link", name="Messages")
        for _ in range(4):  # the skip link, the name of the program, the overview, the messages
            press("Tab")
        expect(link).to_be_focused()
        assert link.evaluate("link => getComputedStyle(link).outlineStyle") == "solid"
        press("Enter")
        expect(page.locator("h1")).to_have_text("Messages")


def test_colours_are_switched_and_stay_so(looked: Looked) -> None:
    with looked.operator() as watched:
        page = watched.page
        page.goto("/")
        light = page.evaluate("getComputedStyle(document.body).backgroundColor")
        page.get_by_role("button", name="Colours: as the system").click()
        expect(page.get_by_role("button", name="Colours: dark")).to_be_visible()
        page.reload()
        dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert dark != light
        page.get_by_role("button", name="Colours: dark").click()
        page.get_by_role("button", name="Colours: light").click()
        assert page.evaluate("document.documentElement.dataset.theme") is None


def test_the_overview_is_fresh_by_itself_and_says_since_when_it_is_not(looked: Looked) -> None:
    with looked.operator() as watched:
        page = watched.page
        page.goto("/")
        expect(page.locator("#plot-throughput polyline").first).to_be_attached()
        expect(page.locator("#alarms")).to_contain_text("connector south is connecting")
        page.route("**/overview/live*", lambda route: route.abort())
        page.evaluate(REFRESH)
        expect(page.locator("#connection")).to_contain_text("Connection lost since")
        page.unroute_all()
        page.evaluate(REFRESH)
        expect(page.locator("#connection")).to_have_text("")
        watched.mistakes = [line for line in watched.mistakes if "ERR_FAILED" not in line]


def test_what_somebody_has_open_or_is_in_is_not_taken_away_by_a_refresh(looked: Looked) -> None:
    with looked.operator() as watched:
        page = watched.page
        page.goto("/")
        table = page.locator("#table-throughput")
        page.get_by_text("As a table").first.click()
        expect(table).to_be_visible()
        page.locator("#connectors [tabindex]").focus()
        with page.expect_response("**/overview/live*"):
            page.evaluate(REFRESH)
        expect(page.locator("#connectors [tabindex]")).to_be_focused()
        expect(table).to_be_visible()


def test_the_pages_work_without_scripts(looked: Looked) -> None:
    with looked.operator(java_script_enabled=False, viewport=PHONE) as watched:
        page = watched.page
        page.goto("/")
        expect(page.locator("#figures")).to_contain_text("Open messages")
        page.get_by_role("link", name="Refresh").click()
        page.get_by_role("navigation", name="Main").get_by_role("link", name="Messages").click()
        expect(page.locator("h1")).to_have_text("Messages")


def test_the_language_is_chosen(looked: Looked) -> None:
    with looked.operator() as watched:
        page = watched.page
        page.goto("/")
        page.get_by_role("button", name="Русский").click()
        expect(page.locator("h1")).to_have_text("Обзор")
        page.get_by_role("button", name="English").click()
        expect(page.locator("h1")).to_have_text("Overview")


def test_a_message_is_found_and_its_timeline_told(looked: Looked) -> None:
    with looked.operator() as watched:
        page = watched.page
        page.goto("/messages")
        page.get_by_label("Message id").fill(looked.ids[8])
        page.get_by_role("button", name="Search").click()
        expect(page).to_have_url(f"{looked.site.url}/messages/{looked.ids[8]}")
        expect(page.locator("main")).to_contain_text("UNDELIVERABLE")
        keep(page, "message-light")
        assert violations(page, looked.axe) == []


def test_a_connector_is_paused_and_resumed(looked: Looked) -> None:
    with looked.operator() as watched:
        page = watched.page
        page.goto("/connectors")
        page.get_by_role("button", name="Pause north").click()
        expect(page.get_by_role("row", name="north")).to_contain_text("paused")
        page.goto("/")
        expect(page.locator("#alarms")).to_contain_text("connector north is paused")
        page.locator("#alarms").get_by_role("link", name="Connectors").first.click()
        page.get_by_role("button", name="Resume north").click()
        expect(page.get_by_role("row", name="north")).to_contain_text("bound")


def test_dead_letters_are_replayed(looked: Looked) -> None:
    with looked.operator() as watched:
        page = watched.page
        page.goto("/deadletters")
        expect(page.get_by_role("checkbox")).to_have_count(DEAD)
        page.get_by_role("checkbox").first.check()
        page.get_by_role("button", name="Let the ticked ones wait again").click()
        expect(page.get_by_text("1 waits again.")).to_be_visible()
        expect(page.get_by_role("checkbox")).to_have_count(DEAD - 1)


def test_a_changed_configuration_is_shown_and_taken_over(looked: Looked) -> None:
    file = looked.site.folder / "config.yaml"
    with looked.operator() as watched:
        page = watched.page
        file.write_text(file.read_text("utf-8").replace("    rate: 40", "    rate: 41"), "utf-8")
        page.goto("/configuration")
        change = page.get_by_role("row", name="connectors[south].rate").first
        expect(change).to_contain_text("41")
        keep(page, "configuration-changed")
        assert violations(page, looked.axe) == []
        page.get_by_role("button", name="Reload").click()
        expect(page.get_by_text("says what is in force")).to_be_visible()
        page.goto("/audit")
        expect(page.get_by_role("row", name="reload").first).to_contain_text(OPERATOR)


def test_a_text_is_shown_when_an_operator_asks_and_who_did_is_recorded(looked: Looked) -> None:
    with looked.operator() as watched:
        page = watched.page
        page.goto(f"/messages/{looked.ids[0]}")
        expect(page.get_by_text("Your code is 1234")).to_have_count(0)
        page.get_by_role("button", name="Show the text").click()
        expect(page.get_by_text("Your code is 1234")).to_be_visible()
        page.goto("/audit")
        expect(page.get_by_role("row", name=looked.ids[0]).first).to_contain_text(OPERATOR)


def test_a_page_that_is_not_there_leads_back(looked: Looked) -> None:
    with looked.operator() as watched:
        page = watched.page
        page.goto("/nothing")
        keep(page, "error-light")
        assert violations(page, looked.axe) == []
        watched.mistakes.clear()  # the browser's own line about the status 404
        page.get_by_role("link", name="Back to the overview").click()
        expect(page.locator("h1")).to_have_text("Overview")
