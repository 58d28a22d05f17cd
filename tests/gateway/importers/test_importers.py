"""Kannel's and Jasmin's configurations: what they become, and what is told of the rest."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from importer_support import VECTORS, converted, read, shown

from gateway.importers import jasmin, kannel, kannel_file, outcome
from gateway.importers.kannel_routes import Smsc, routes_of, table_of, target_of
from gateway.importers.outcome import Imported, ImportRefused, Password

FILES = sorted([*(VECTORS / "kannel").glob("*.conf"), *(VECTORS / "jasmin").glob("*.txt")])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_configuration_becomes_what_is_expected(path: Path) -> None:
    assert shown(converted(path)) == path.with_suffix(".expected").read_text()


def kannel_of(text: str) -> Imported:
    return kannel.convert(text, "kannel.conf", read)


def jasmin_of(text: str) -> Imported:
    return jasmin.convert(text, "jcli.txt")


# -- limits ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "nothing", "# group = core\n", "\n\n"])
def test_what_is_no_configuration_is_told(text: str) -> None:
    with pytest.raises(ImportRefused, match="no group of Kannel's"):
        kannel_of(text)
    with pytest.raises(ImportRefused, match="no command of Jasmin's"):
        jasmin_of(text)


def test_too_much_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outcome, "MAX_LINES", 10)
    with pytest.raises(ImportRefused, match="more than 10 lines"):
        kannel_of("group = core\n" * 11)
    with pytest.raises(ImportRefused, match="more than 10 lines"):
        jasmin_of("smppccm -a\n" * 11)
    monkeypatch.setattr(kannel_file, "MAX_ENTRIES", 2)
    with pytest.raises(ImportRefused, match="more than 2 groups"):
        kannel_of("group = core\n\n" * 3)


def test_a_line_too_long_is_told() -> None:
    with pytest.raises(ImportRefused, match="has a line, 2, of more than"):
        kannel_of("group = core\n" + "x" * (outcome.MAX_LINE + 1))


def test_more_than_can_be_compared_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kannel, "MAX_COMPARED", 3)
    with pytest.raises(ImportRefused, match="than can be compared"):
        kannel_of((VECTORS / "kannel" / "balanced.conf").read_text())


def test_large_files_take_no_time_to_speak_of() -> None:
    """Each of these would take minutes if its cost grew with the square of its size."""
    users = "".join(f"user -a\nusername u{n}\nuid u{n}\npassword p\ngid g\nok\n" for n in range(4000))
    filters = "filter -a\ntype GroupFilter\nfid f\ngid g\nok\n"
    routes = "".join(
        f"mtrouter -a\ntype StaticMTRoute\norder {n}\nfilters f\nconnector smppc(a)\nok\n"
        for n in range(4000)
    )
    imported = jasmin_of(f"smppccm -a\ncid a\nok\n{users}{filters}{routes}")
    assert len(imported.tree["accounts"]) == 4000
    imported = jasmin_of("smppccm -a\ncid a\nok\n" + "user -a\nko\n" * 40_000)
    assert len(imported.tree["connectors"]) == 1
    prefixes = ";".join(str(number) for number in range(10_000, 14_000))
    smsc = "group = smsc\nsmsc = smpp\nhost = h{}\nport = 1\nsmsc-username = u\nallowed-prefix = {}\n\n"
    smscs = "".join(smsc.format(number, prefixes) for number in range(20))
    assert len(kannel_of(smscs).tree["routes"]) == 2


def test_a_file_that_includes_itself_ends() -> None:
    def again(name: str, by: str) -> list[tuple[str, str]] | str:
        return [(name, "include = x\n")]

    with pytest.raises(ImportRefused, match="deeper than 8 levels"):
        kannel.convert("include = x\n", "kannel.conf", again)

    def many(name: str, by: str) -> list[tuple[str, str]] | str:
        return [(str(number), "") for number in range(1000)]

    with pytest.raises(ImportRefused, match="more than 200 files"):
        kannel.convert("include = x\n", "kannel.conf", many)


def test_notes_are_limited() -> None:
    imported = Imported()
    for line in range(2 * outcome.MAX_NOTES):
        imported.note("f", line, "k", "t")
    assert len(imported.notes) == outcome.MAX_NOTES + 1
    assert imported.notes[-1].text == "and more, which are not listed"


# -- Kannel ----------------------------------------------------------------------------------------------


def test_values_are_read_as_kannel_reads_them() -> None:
    imported = Imported()
    text = 'group = core\n a = "x \\"y\\" # z"\nB=1\n# c = 2\na = second\n\nd = 3\n'
    [group] = kannel_file.parse(text, "f", read, imported)
    assert {key: value.text for key, value in group.values.items()} == {"a": 'x "y" # z', "b": "1"}
    assert [str(note) for note in imported.notes] == ["f:7: d: stands in no group, and was left out"]


numbers = st.text("0123456789", min_size=0, max_size=5)
prefixes = st.lists(st.text("012", min_size=1, max_size=3), max_size=3).map(frozenset)
smscs = st.lists(st.builds(Smsc, st.just(""), prefixes, prefixes, prefixes), min_size=1, max_size=4).map(
    lambda them: [Smsc(f"s{n}", it.allowed, it.denied, it.preferred) for n, it in enumerate(them)]
)


@given(smscs, st.text("012", max_size=5))
def test_the_longest_prefix_says_what_kannel_would(them: list[Smsc], digits: str) -> None:
    table = table_of(them, "")
    longest = max((prefix for prefix in table if digits.startswith(prefix)), key=len)
    assert table[longest] == target_of(them, digits, "")


@given(smscs)
def test_a_table_becomes_routes_without_a_prefix_twice(them: list[Smsc]) -> None:
    table = table_of(them, "")
    found: dict[str, list[str]] = {}
    for route in routes_of(table):
        for prefix in [route.get("prefix", ""), *route.get("prefixes", [])]:
            assert prefix not in found
            found[prefix] = route.get("connectors", [])
    assert found == {prefix: list(names) for prefix, (names, _) in table.items()}


def test_denied_numbers_may_be_allowed_by_name() -> None:
    both = Smsc("s", allowed=frozenset({"7901"}), denied=frozenset({"7"}))
    assert [both.takes(digits) for digits in ("7901", "7902", "49")] == [True, False, True]


def test_patterns_of_smsc_ids() -> None:
    smsc = Smsc("s", allowed_pattern="^(up|down)$", denied_pattern="^d")
    assert [smsc.takes_id(it) for it in ("up", "down", "", "upper")] == [True, False, False, False]
    assert not Smsc("s", allowed_pattern="(a+)+b").takes_id("aaaa")  # one that could take for ever


# -- Jasmin ----------------------------------------------------------------------------------------------


def test_what_was_taken_back_or_removed_is_not_there() -> None:
    imported = jasmin_of(
        "smppccm -a\ncid a\nhost 192.0.2.1\nok\nsmppccm -a\ncid b\nko\nsmppccm -a\ncid c\nok\nsmppccm -r c\n"
        "mtrouter -a\ntype DefaultRoute\nconnector smppc(a)\nrate 0\nok\nmtrouter -f\n"
    )
    assert [connector["name"] for connector in imported.tree["connectors"]] == ["a"]
    assert "mtrouter: there is none" in "\n".join(map(str, imported.notes))


def test_what_is_shown_of_a_route_does_not_take_its_place() -> None:
    imported = jasmin_of(
        "smppccm -a\ncid a\nok\nmtrouter -a\ntype DefaultRoute\nconnector smppc(a)\nrate 0\nok\n"
        "jcli : mtrouter -s 0\nDefaultRoute to smppc(a) NOT RATED\n\njcli : smppccm -s a\nhost 192.0.2.9\n"
    )
    assert imported.tree["routes"] == [{"connectors": ["a"]}]
    assert imported.tree["connectors"][0]["address"] == "192.0.2.9:2775"
    assert not [note for note in imported.notes if note.key == "mtrouter"]


def test_users_of_a_closed_group_are_blocked() -> None:
    imported = jasmin_of(
        "group -a\ngid g\nok\nuser -a\nuid u\nusername u\npassword p\ngid g\nok\ngroup -d g\n"
        "user -a\nuid v\nusername v\npassword p\ngid h\nok\nuser -d v\nuser -e v\n"
    )
    blocked = {it["system_id"]: it.get("blocked", False) for it in imported.tree["accounts"]}
    assert blocked == {"u": True, "v": False}


@pytest.mark.parametrize(
    ("pattern", "number", "fits"),
    [
        (r"^7\d+", "79991234567", True),
        (r"^7\d+", "49", False),
        (r"^(49|43)15\d*$", "4915", True),
        (r"^(49|43)15\d*$", "4815", False),
        (r"7", "7999", True),
        (r"^85111$", "851112", False),
    ],
)
def test_patterns_of_numbers_mean_what_they_meant(pattern: str, number: str, fits: bool) -> None:
    made = outcome.number_pattern(pattern)
    assert made is not None
    assert (re.fullmatch(made, number) is not None) == fits == (re.match(pattern, number) is not None)


def test_patterns_that_could_take_for_ever_are_none() -> None:
    assert outcome.number_pattern(r"^(\d+)+x$") is None
    assert outcome.text_pattern(r"^(a+)+b") is None
    assert outcome.text_pattern(r".*code.*") == "code"
    assert outcome.number_pattern("(") is None


def test_more_routes_than_priorities_are_told() -> None:
    routes = "".join(
        f"mtrouter -a\ntype StaticMTRoute\norder {n}\nfilters f\nconnector smppc(a)\nrate 0\nok\n"
        for n in range(1, 251)
    )
    imported = jasmin_of(f"smppccm -a\ncid a\nok\nfilter -a\ntype TransparentFilter\nfid f\nok\n{routes}")
    made = imported.tree["routes"]
    assert (len(made), made[0]["priority"], made[-1]["priority"]) == (201, 100, -100)
    assert sum("have priorities" in note.text for note in imported.notes) == 49


# -- anything --------------------------------------------------------------------------------------------

WORDS = st.sampled_from((VECTORS / "words.txt").read_text().split())
lines = st.lists(st.one_of(WORDS, st.text(max_size=8)), max_size=6).map(" ".join)
texts = st.one_of(st.text(max_size=400), st.lists(lines, max_size=30).map("\n".join))


@given(texts)
def test_whatever_the_file_holds(text: str) -> None:
    for convert in (kannel_of, jasmin_of):
        try:
            imported = convert(text)
        except ImportRefused:
            continue
        assert shown(imported)
        assert all(1 <= note.line <= text.count("\n") + 1 for note in imported.notes)
        assert passwords_of(imported.tree)


def passwords_of(value: Any) -> list[Password]:
    if isinstance(value, Password):
        return [value]
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [password for item in items for password in passwords_of(item)]
