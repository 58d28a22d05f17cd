"""The reader of fmt 2 takes small trees, and nothing that makes more of a text than stands in it."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.smsc_http import xml
from protocols.smsc_http.xml import Node, XmlError, parse


def test_a_tree_with_attributes_texts_and_an_empty_element() -> None:
    found = parse('<?xml version="1.0"?>\n<a x="1" y = \'2"\'>\n<b>c d\n</b>\n<e/>\n</a>\n')
    assert found == Node(
        "a", {"x": "1", "y": '2"'}, [Node("b", {}, [], "c d\n"), Node("e", {}, [], "")], "\n"
    )


def test_a_text_may_stand_before_the_first_child() -> None:
    assert parse("<a>name\n<b>1</b>\n</a>").text == "name\n"


def test_the_five_entities_and_numbers_are_characters() -> None:
    found = parse('<a b="&quot;&#10;">&amp;&lt;&gt;&apos;&#1046;&#x416;&amp;amp;</a>')
    assert (found.attributes["b"], found.text) == ('"\n', "&<>'ЖЖ&amp;")


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "x",
            "<a>",
            "</a>",
            "<a></b>",
            "<a><b></a></b>",
            "<a/><b/>",
            "<a/>x",
            "x<a/>",
            "<a",
            "<a x></a>",
        ),
        *("<a x=1></a>", '<a x="1" x="2"/>', "<a><b/>text<c/></a>", "<a>text", "<1/>", "< a/>", "<a>&</a>"),
        *("<a>&nbsp;</a>", "<a>&#0;</a>", "<a>&#xD800;</a>", "<a>&#1114112;</a>", "<a><!-- x --></a>"),
        "<a><![CDATA[x]]></a>",
        '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        '<a x="<"/>',
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(XmlError):
        parse(text)


def test_depth_and_number_of_elements_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    assert parse("<a>" * 16 + "</a>" * 16).tag == "a"
    with pytest.raises(XmlError, match="too deep"):
        parse("<a>" * 17 + "</a>" * 17)
    monkeypatch.setattr(xml, "MAX_NODES", 3)
    assert len(parse("<a><b></b><b></b></a>").children) == 2
    with pytest.raises(XmlError, match="too many"):
        parse("<a><b></b><b></b><b></b></a>")


@given(st.text(alphabet="<>/ab =\"'&;#1!? \n", max_size=40))
def test_only_the_documented_error_escapes(text: str) -> None:
    with contextlib.suppress(XmlError):
        assert isinstance(parse(text), Node)
