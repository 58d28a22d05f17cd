"""The languages of the pages: every text is translated, and no translation is left over."""

from __future__ import annotations

import ast
import asyncio
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from jinja2 import Environment, nodes
from markupsafe import Markup
from web_pages import pages

import gateway.ops.web
from gateway.ops.web.words import FOLDER, LANGUAGES, choose, load_words

WEB = Path(gateway.ops.web.__file__).parent
RUSSIAN = FOLDER / "ru"


def of_modules() -> Iterator[tuple[str, str]]:
    """Texts in Python: _("…"), N_("…"), text("…"), count("one", "many", …)."""
    for path in WEB.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                name = ast.unparse(node.func).rpartition(".")[2]
                yield from used(name, [a.value for a in node.args if isinstance(a, ast.Constant)], str(path))


def of_templates() -> Iterator[tuple[str, str]]:
    for path in (WEB / "templates").glob("*.html"):
        for node in Environment(autoescape=True).parse(path.read_text("utf-8")).find_all(nodes.Call):
            if isinstance(node.node, nodes.Name):
                arguments = [a.value for a in node.args if isinstance(a, nodes.Const)]
                yield from used(node.node.name, arguments, str(path))


def used(name: str, arguments: list[object], where: str) -> Iterator[tuple[str, str]]:
    if name in ("_", "N_", "text") and arguments and isinstance(arguments[0], str):
        yield arguments[0], where
    elif name in ("_n", "count") and len(arguments) >= 2:
        one, many = arguments[:2]
        if isinstance(one, str) and isinstance(many, str):
            yield f"{one}|{many}", where


def translated() -> Iterator[tuple[str, object]]:
    for path in sorted(RUSSIAN.glob("*.yaml")):
        text = path.read_text("utf-8")
        found = yaml.safe_load(text)
        yield from found.items()
        # a key that is there twice would be silently the second
        assert len(found) == len(re.findall(r"^(?:\S.*|'(?:[^']|'')*'): ", text, re.M)), path.name


def places(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)", text))


def test_every_text_is_translated_and_no_translation_is_left_over() -> None:
    wanted = dict([*of_modules(), *of_templates()])
    known = [text for text, _ in translated()]
    assert {text: where for text, where in wanted.items() if text not in known} == {}
    assert set(known) - set(wanted) == set()


def test_no_text_is_translated_in_two_files() -> None:
    assert [text for text, count in Counter(text for text, _ in translated()).items() if count > 1] == []


def test_translations_have_the_places_of_their_texts_and_all_forms() -> None:
    for english, russian in translated():
        forms = russian if isinstance(russian, list) else [russian]
        assert len(forms) == (3 if "|" in english and places(english) else 1), english
        for form in forms:
            assert isinstance(form, str) and form.strip(), english
            assert places(form) == places(english), english


def test_numbers_take_the_form_that_russian_wants() -> None:
    words = load_words()["ru"]
    words = type(words)(
        "ru", {"{count} sheep|{count} sheep(s)": ["{count} овца", "{count} овцы", "{count} овец"]}
    )
    said = {
        n: words.count("{count} sheep", "{count} sheep(s)", n)
        for n in (0, 1, 2, 5, 11, 12, 21, 22, 111, 1002)
    }
    assert said == {
        0: "0 овец",
        1: "1 овца",
        2: "2 овцы",
        5: "5 овец",
        11: "11 овец",
        12: "12 овец",
        21: "21 овца",
        22: "22 овцы",
        111: "111 овец",
        1002: "1\u00a0002 овцы",
    }


def test_numbers_and_times_are_written_as_each_language_does() -> None:
    english, russian = load_words()["en"], load_words()["ru"]
    assert (english.number(1234567), english.number(0.5)) == ("1,234,567", "0.5")
    assert (russian.number(1234567), russian.number(0.5)) == ("1\u00a0234\u00a0567", "0,5")
    assert re.fullmatch(r"2025-06-1[56] \d\d:\d\d:40\.007", english.moment(1_750_000_000_007, millis=True))
    assert re.fullmatch(r"1[56]\.06\.2025 \d\d:\d\d:40", russian.moment(1_750_000_000_000))
    assert english.moment(None) == ""


def test_what_is_filled_in_stays_a_text_unless_it_is_markup() -> None:
    words = load_words()["en"]
    assert words.text("To {name}", name="<b>") == "To <b>"  # which the template escapes
    assert words.text("To <i> {name}", name=Markup("<b>x</b>")) == Markup("To &lt;i&gt; <b>x</b>")
    assert words.text("{a.__class__} {") == "{a.__class__} {"


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("ru", "ru"),
        ("ru-RU,ru;q=0.9,en;q=0.8", "ru"),
        ("en-GB,en;q=0.9,ru;q=0.8", "en"),
        ("de,ru;q=0.5", "ru"),
        ("de", "en"),
        ("ru;q=0", "en"),
        ("ru;q=x,en", "en"),
        (";;;,,q=1", "en"),
    ],
)
def test_the_language_is_what_the_browser_asks_for(accepted: str, language: str) -> None:
    assert choose(accepted) == language
    assert language in LANGUAGES


def test_a_choice_is_kept_in_a_cookie_and_said_in_the_page() -> None:
    async def check() -> None:
        async with pages(role=None) as client:
            client.cookies.clear()
            page = await client.get("/login", Accept_Language="ru")
            assert '<html lang="ru">' in page.text and "Вход" in page.text
            page = await client.post("/language", {"language": "en", "back": "/login"})
            assert (page.status, page.location) == (303, "/login")
            page = await client.get("/login", Accept_Language="ru")
            assert '<html lang="en">' in page.text and "Вход" not in page.text
            await client.post("/language", {"language": "../ru", "back": "/login"})
            assert client.cookies["language"] == "en"

    asyncio.run(check())
