"""Objects of one level in JSON and XML: round trips, what is none, bounds."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.smsc_http.flat import FlatError, format_json, format_xml, parse_json, parse_xml

NAMES = st.text("a_b", min_size=1, max_size=8)
JSON_TEXTS = st.text('aж1"\\/{}:,\n\0\u2028\U0001f600', max_size=20)
XML_TEXTS = st.text("aж1<>&;#\"'/]\n\r \U0001f600", max_size=20)


@settings(max_examples=40)
@given(st.dictionaries(NAMES, JSON_TEXTS | st.integers(), max_size=5))
def test_json_comes_back(members: dict[str, str | int]) -> None:
    assert parse_json(format_json(members.items())) == {name: str(value) for name, value in members.items()}


@settings(max_examples=40)
@given(st.dictionaries(NAMES, XML_TEXTS | st.integers(), max_size=5))
def test_xml_comes_back(members: dict[str, str | int]) -> None:
    assert parse_xml(format_xml("result", members.items())) == {
        name: str(value) for name, value in members.items()
    }


def test_json_as_the_service_writes_it() -> None:
    assert format_json([("id", 33), ("cnt", 1)]) == '{\n"id": 33,\n"cnt": 1\n}'
    assert format_json([("mes", 'ж"\n')]) == '{\n"mes": "ж\\"\\n"\n}'


def test_xml_as_the_service_writes_it() -> None:
    assert format_xml("result", [("id", 33), ("mes", "a<b&\0"), ("fl[5]", "1")]) == (
        "<result>\n<id>33</id>\n<mes>a&lt;b&amp;\ufffd</mes>\n</result>"
    )


def test_values_of_json() -> None:
    text = (
        '{"a": 1.50, "b": 123456789012345678901234567890, "c": true, "d": false, "e": null, "f": "\\ud800x"}'
    )
    assert parse_json(text) == {
        "a": "1.50",
        "b": "123456789012345678901234567890",
        "c": "1",
        "d": "0",
        "f": "\ufffdx",
    }
    assert parse_json('{"p": ["1", 2]}', lists=True) == {"p": "1,2"}


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "[]",
            "1",
            "null",
            '"a"',
            "{",
            '{"a": 1,}',
            "{'a': 1}",
            '{"a": NaN}',
            '{"a": {}}',
            '{"a": [1]}',
        ),
        *('{"a": 1, "a": 2}', "[" * 100_000, '{"a":' * 100_000, '{"a": 1} x'),
        "{" + ",".join(f'"a{number}": 1' for number in range(257)) + "}",
    ],
)
def test_no_json(text: str) -> None:
    with pytest.raises(FlatError):
        parse_json(text)


@pytest.mark.parametrize("text", ['{"p": [[1]]}', '{"p": [{}]}', '{"p": {"a": 1}}', '{"p": [null]}'])
def test_arrays_have_one_level(text: str) -> None:
    with pytest.raises(FlatError):
        parse_json(text, lists=True)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("<r/>", {}),
        ("<r></r>", {}),
        ('<?xml version="1.0" encoding="UTF-8"?>\n<r>\n <a>1</a>\r\n <b/>\n</r>\n', {"a": "1", "b": ""}),
        ("<r><a>&lt;&#1078;&#x436;&amp;lt;</a></r>", {"a": "<жж&lt;"}),
        ("<r><a><![CDATA[<b>&amp;</b>]]></a></r>", {"a": "<b>&amp;</b>"}),
        ("<r><a> x\n</a></r>", {"a": " x\n"}),
    ],
)
def test_xml(text: str, values: dict[str, str]) -> None:
    assert parse_xml(text) == values


@pytest.mark.parametrize(
    "text",
    [
        *("", "x", "<r>", "<r><a>1</a>", "<r><a>1</b></r>", "<r>x</r>", "<r><a>1</a>x</r>", "<r/><r/>"),
        *("<r><a><b/></a></r>", "<r><a>1</a><a>2</a></r>", '<r><a b="1">1</a></r>', "<r><a>&x;</a></r>"),
        *("<r><a>&</a></r>", "<r><a>&#0;</a></r>", "<r><a>&#xD800;</a></r>", "<r><a>&#9999999;</a></r>"),
        *(
            '<!DOCTYPE r [<!ENTITY x "y">]><r><a>&x;</a></r>',
            "<r><!-- c --><a>1</a></r>",
            "<r><a><![CDATA[x</a></r>",
        ),
        "<r>" + "".join(f"<a{number}/>" for number in range(257)) + "</r>",
    ],
)
def test_no_xml(text: str) -> None:
    with pytest.raises(FlatError):
        parse_xml(text)


@given(st.text(alphabet='<>/&;#x![]CDATA{}":,r1é\\\n', max_size=60))
def test_only_the_documented_error_escapes(text: str) -> None:
    for parse in (parse_json, parse_xml):
        for whole in (text, f"<r>{text}</r>", f'{{"a": {text}}}'):
            with contextlib.suppress(FlatError):
                parse(whole)
