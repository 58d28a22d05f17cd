"""The page of incoming SMS, and that no page lets a stranger's words out of their place."""

from __future__ import annotations

import asyncio
import re
from html import unescape
from html.parser import HTMLParser
from typing import Any

from gateway_fakes import NOW_MS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_web_explain import TOLD
from test_web_messages import ID, MESSAGE, ROW, found
from web_pages import Page, pages

CAME = {
    "at_ms": NOW_MS,
    "connector": "smsc",
    "number": "7916***0001",
    "own_number": "1234",
    "total": 3,
    "part": 2,
    "account": "desk",
    "mail": ["ops@example.org"],
    "rule": 4,
    "may_answer": False,
    "taken": True,
}
SOME = {"id": "5", "received_ms": NOW_MS, "number": "7916***0002", "own_number": "1234"}
LETTER = {**SOME, "recipient": "box@example.org", "tries": 2, "last_error": "451 later"}
PARTS = {
    **{name: SOME[name] for name in ("received_ms", "number", "own_number")},
    "connector": "smsc",
    "total": 3,
    "parts": [1, 3],
    "account": "desk",
    "recipient": "",
}
EMPTY: dict[str, Any] = {
    **dict.fromkeys(
        ("recent", "deliveries", "parts", "letters", "calls", "inbox", "dead_deliveries", "dead_letters"), ()
    ),
    "cut": [],
    "look": 20_000,
    "remembered": 500,
    "now_ms": NOW_MS,
}


def seen(answer: dict[str, Any], path: str = "/incoming", role: str = "operator") -> tuple[Page, Any]:
    async def look() -> tuple[Page, Any]:
        async with pages({"incoming": answer}, role=role) as client:
            page = await client.get(path)
            return page, client.asked[0]

    return asyncio.run(look())


def words(page: Page) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", page.text)))


def test_what_came_where_it_went_and_what_waits() -> None:
    answer = {
        **EMPTY,
        "recent": [
            CAME,
            {**CAME, "account": None, "mail": [], "rule": 0, "taken": False, "total": 0, "part": 0},
            {**CAME, "account": "", "mail": [], "rule": 0, "may_answer": True},
        ],
        "parts": [PARTS],
        "deliveries": [{**SOME, "account": "app"}],
        "letters": [LETTER],
        "calls": [{**LETTER, "account": "hooked"}],
        "inbox": [{**SOME, "account": "app", "connector": "smsc", "answers": "order-7"}],
        "dead_deliveries": [{**SOME, "account": "late", "died_ms": NOW_MS, "reason": "too many wait"}],
        "dead_letters": [{**SOME, "recipient": "x@example.org", "died_ms": NOW_MS, "reason": "550 no"}],
        "cut": ["deliveries"],
    }
    page, asked = seen(answer)
    assert asked == {"command": "incoming", "limit": 50, "full": False}
    shown = words(page)
    for text in (
        "2 of 3 account desk, ops@example.org rule 4",
        "refused: no rule fits, and the connector has no incoming_account",
        "as its first part says, or the sender of the mail that it answers incoming_account",
        "1, 3 3 desk",
        "451 later",
        "order-7",
        "too many wait",
        "550 no",
        "out of the newest 20,000 rows",
    ):
        assert text in shown, text


def test_nothing_came() -> None:
    shown = words(seen(EMPTY)[0])
    assert "None came since the gateway started." in shown
    assert "Nothing waits." in shown
    assert "What nobody took" not in shown


def test_only_operators_get_numbers_in_full() -> None:
    for role, full in (("operator", True), ("viewer", False)):
        page, asked = seen(EMPTY, "/incoming?full=yes", role)
        assert asked["full"] is full
        assert ("full=yes" in page.text, "Mask numbers" in page.text) == (False, full)


# -- strangers' words ---------------------------------------------------------------------------------

NASTY = st.one_of(
    st.sampled_from(
        [
            "</pre><script>alert(1)</script>",
            '"><img src=x onerror=alert(1)>',
            "' onfocus='alert(1)' autofocus='",
            "{{ 7 * 7 }}{% raw %}{{ visit.csrf }}",
            "</title></textarea><svg/onload=alert(1)>",
            "javascript:alert(1)",
            "&lt;b&gt; &amp; &#60;i&#62;",
            "{name}{0.__class__}%s",
            "\u202e<b>\u2066\ufeff\u0000\x1b[2J",
            "]]><!--",
        ]
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
)


class Shape(HTMLParser):
    """Tags and attributes, but no words and no values that people may fill."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.seen: list[tuple[str, tuple[str, ...]]] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, tuple(name for name, _ in attrs)))
        self.links += [
            value or "" for name, value in attrs if name in ("href", "src", "action", "formaction")
        ]

    def handle_comment(self, data: str) -> None:
        self.seen.append(("comment", ()))

    def unknown_decl(self, data: str) -> None:
        self.seen.append(("declaration", ()))


def shape(page: Page) -> Shape:
    found = Shape()
    found.feed(page.text)
    found.close()
    return found


def filled(answer: Any, word: str, keep: frozenset[str]) -> Any:
    """The answer with every text that a stranger may have chosen replaced."""
    if isinstance(answer, dict):
        return {k: v if k in keep else filled(v, word, keep) for k, v in answer.items()}
    if isinstance(answer, list | tuple):
        return [filled(value, word, keep) for value in answer]
    return word if isinstance(answer, str) and answer else answer


KEEP = frozenset(
    {"state", "attempt", "can", "message_id", "mail_id", "written", "ingress", "cut", "before", "what", "id"}
)
"""What the gateway itself says, not its clients and peers."""
OURS = re.compile(r"(/[\w/.?=&%-]*|#content)")


def test_no_words_of_strangers_leave_their_place() -> None:
    """The page of any words has the tags and attributes of the page of harmless ones, and its own links."""
    incoming = {**EMPTY, "recent": [CAME], "parts": [PARTS], "letters": [LETTER]}
    wild: dict[str, Any] = {}
    answers: Any = {
        "find_page": lambda request: wild["find_page"],
        "message": lambda request: wild["message"],
        "route_explain": lambda request: wild["route_explain"],
        "incoming": lambda request: wild["incoming"],
    }
    tame = {
        "find_page": found(ROW, before="5", reached_ms=NOW_MS),
        "message": {**MESSAGE, "text": "x"},
        "route_explain": TOLD,
        "incoming": incoming,
    }

    async def looked(word: str, client: Any) -> list[Page]:
        wild.update({name: filled(answer, word, KEEP) for name, answer in tame.items()})
        form = {"destination": "79161200001", "text": "x", "account": word, "source": word, "at": ""}
        plain = "".join(sign for sign in word if sign.isprintable())
        return [
            await client.get("/messages"),
            await client.post(f"/messages/{ID}/text"),
            await client.post("/explain", {**form, "account": plain, "source": plain}),
            await client.get("/incoming"),
        ]

    async def check() -> None:
        async with pages(answers) as client:
            expected = [shape(page).seen for page in await looked("harmless", client)]

            of_texts = set(shape(await client.post("/explain", {"text": "a text: я\n\u200b"})).seen)

            async def compare(word: str) -> None:
                for page, tags in zip(await looked(word, client), expected, strict=True):
                    assert page.status == 200, page.text
                    drawn = shape(page)
                    assert drawn.seen == tags
                    assert all(OURS.fullmatch(link) for link in drawn.links), drawn.links
                text = "".join(sign for sign in word if sign.isprintable())
                previewed = shape(await client.post("/explain", {"text": f"a text: {text}"}))
                assert set(previewed.seen) <= of_texts
                assert all(OURS.fullmatch(link) for link in previewed.links), previewed.links

            loop = asyncio.get_running_loop()

            @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), database=None)
            @given(NASTY)
            def run(word: str) -> None:
                asyncio.run_coroutine_threadsafe(compare(word), loop).result()

            await asyncio.to_thread(run)

    asyncio.run(check())
