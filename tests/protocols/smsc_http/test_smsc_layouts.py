"""The notation in which the shapes of answers are written."""

from __future__ import annotations

import pytest

from protocols.smsc_http.layouts import (
    Answer,
    Element,
    Kind,
    Listing,
    Member,
    Part,
    Template,
    bare,
    leaves,
    members,
    named,
    record,
    template,
)
from protocols.smsc_http.matching import matched
from protocols.smsc_http.operations import OPERATIONS


def test_members_have_their_kinds() -> None:
    assert members("id:I name cnt:N") == (
        Member("id", Kind.IDENTITY),
        Member("name", Kind.TEXT),
        Member("cnt", Kind.NUMBER),
    )


def test_a_template_is_its_members_and_what_stands_before_them() -> None:
    assert template("OK - {cnt} SMS, ID - {id}") == Template(
        (Part("OK - ", "cnt"), Part(" SMS, ID - ", "id"))
    )
    assert template("{cost} ({cnt} SMS)") == Template((Part("", "cost"), Part(" (", "cnt")), " SMS)")
    found = template("{a}, e = {err?},{m*}")
    assert (found.free, [part.optional for part in found.parts]) == ("m", [False, True, False])


def test_rows_are_named_or_bare() -> None:
    assert named("Status=status err? message*") == "Status = {status}, err = {err?}, message = {message*}"
    assert bare("a b", "|") == "{a}|{b}"
    assert leaves("id=sender name") == (Element("id", "sender"), Element("name", "name"))


def test_an_answer_is_a_list_always_or_by_a_comma() -> None:
    shapes = (record("a", "b", "{b}", "{b}"),)
    assert not Answer(shapes).is_list({"phone": "1,2"})
    assert Answer(shapes, Listing()).is_list({})
    by_comma = Answer(shapes, Listing(commas=("phone", "id")))
    assert [by_comma.is_list(params) for params in ({}, {"phone": "1"}, {"phone": "1,"}, {"id": "1,2"})] == [
        *(False, False, True, True)
    ]


def test_a_value_that_selects_no_shape_is_as_good_as_none() -> None:
    answer = OPERATIONS["status"].answer
    for level in ("", "0", "3", "x"):
        assert answer.shapes_of({"all": level}, False) == answer.shapes_of({}, False)
    assert answer.shapes_of({"all": "2"}, False) != answer.shapes_of({}, False)
    assert answer.shapes_of({}, True) != answer.shapes_of({}, False)
    assert len(OPERATIONS["balance"].answer.shapes_of({"cur": "2"}, False)) == 1


@pytest.mark.parametrize(
    ("pattern", "line", "values"),
    [
        ("{a},{b}", "1,2", {"a": "1", "b": "2"}),
        ("{a},{b}", "1,2,3", None),
        ("{a},{b}", "1", None),
        ("{a},{m*},{b}", "1,x,y,2", {"a": "1", "m": "x,y", "b": "2"}),
        ("{a},{m*},{b}", "1,2", None),
        ("{m*},{b}", "x,y,2", {"m": "x,y", "b": "2"}),
        ("a = {a}, e = {e?}, b = {b}", "a = 1, e = 2, b = 3", {"a": "1", "e": "2", "b": "3"}),
        ("a = {a}, e = {e?}, b = {b}", "a = 1, b = 3", {"a": "1", "b": "3"}),
        ("a = {a}, e = {e?}, b = {b}", "a = 1, b = x, e = 3", {"a": "1", "b": "x, e = 3"}),
        ("a = {a}, e = {e?}, f = {f?}", "a = 1", {"a": "1"}),
        ("a = {a}, e = {e?}", "a = 1, e = 2", {"a": "1", "e": "2"}),
        ("{a} ({b} SMS)", "1.40 (2 SMS)", {"a": "1.40", "b": "2"}),
        ("{a} ({b} SMS)", "1.40 (2", None),
        ("x{a}x", "x", None),
    ],
)
def test_a_line_fits_its_template_or_not(pattern: str, line: str, values: dict[str, str] | None) -> None:
    assert matched(template(pattern), line) == values


def test_everything_that_a_format_shows_is_a_member() -> None:
    """A name with a slip in it would be an empty value, and no one would see it."""

    def shown(element: Element, known: set[str]) -> set[str]:
        found = {element.text} | {member for _, member in element.attributes} | {element.each}
        return (found - {"", "."}).union(*(shown(child, known) for child in element.children))

    for name, operation in OPERATIONS.items():
        for shape in operation.answer.shapes:
            all_shapes = {
                member.name: member for other in operation.answer.shapes for member in other.members
            }
            known = {
                *(member.name for member in all_shapes.values()),
                *(inner.name for member in all_shapes.values() for inner in member.inner),
            }
            for block in (*shape.text, *shape.values):
                assert {part.member for part in block.template.parts} <= known, name
                assert block.template.free in ("", *(part.member for part in block.template.parts))
            assert shown(shape.tree, known) <= known, name
            assert set(shape.needs) <= known
