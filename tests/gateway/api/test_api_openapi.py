"""The OpenAPI document says what the handlers do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from json_api import TO, ApiDesk

from gateway.api import sending
from gateway.api.account import LIMIT_MAX as INCOMING_MAX
from gateway.api.app import OPENAPI, ROUTES
from gateway.api.drafts import FIELDS, POLICIES, REFERENCE_MAX, TEXT_MAX, VALIDITY_MAX_S
from gateway.api.messages import LIMIT_MAX
from gateway.api.preview import NUMBERS_MAX, VALUES_MAX
from gateway.api.problems import TITLES
from gateway.api.states import WORDS

DOCUMENT: dict[str, Any] = json.loads(OPENAPI.read_text("utf-8"))
SCHEMAS = DOCUMENT["components"]["schemas"]
TYPES = {"string": str, "integer": int, "boolean": bool, "object": dict, "array": list, "null": type(None)}
METHODS = {"get", "post", "delete", "put", "patch"}


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    """All objects of the document."""
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from nodes(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from nodes(inner)


def schema_at(reference: str) -> Any:
    found: Any = DOCUMENT
    for name in reference.removeprefix("#/").split("/"):
        found = found[name]
    return found


def parameters_of(path: str) -> Any:
    return DOCUMENT["paths"][path]["get"]["parameters"]


def fits(value: Any, schema: dict[str, Any]) -> bool:
    """Whether a value is of this form, as far as answers need it: types, members, words."""
    if "$ref" in schema:
        return fits(value, schema_at(schema["$ref"]))
    if "allOf" in schema:
        return all(fits(value, one) for one in schema["allOf"])
    if "oneOf" in schema:
        return sum(fits(value, one) for one in schema["oneOf"]) == 1
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    types = {
        "string": str,
        "integer": int,
        "boolean": bool,
        "object": dict,
        "array": list,
        "null": type(None),
    }
    if not any(type(value) is types[kind] for kind in kinds):
        return False
    if value is None:
        return True
    if value not in schema.get("enum", [value]) or value != schema.get("const", value):
        return False
    if isinstance(value, dict):
        known = schema.get("properties", {})
        return set(schema.get("required", ())) <= value.keys() and all(
            fits(inner, known.get(name, schema.get("additionalProperties", {"type": []})))
            for name, inner in value.items()
            if known or "additionalProperties" in schema
            if name in known or "additionalProperties" in schema
        )
    return not isinstance(value, list) or all(fits(inner, schema["items"]) for inner in value)


def test_the_document_is_given_to_anybody(api: ApiDesk) -> None:
    told = api.ask("GET", "/v1/openapi.json", account="")
    assert (told.status, told.value) == (200, DOCUMENT)
    assert told.value["openapi"] == "3.1.0"
    assert api.ask("POST", "/v1/openapi.json", {}).status == 405


def test_each_path_and_method_is_in_it_and_no_other() -> None:
    shown = {path.removeprefix("/"): set(methods) & METHODS for path, methods in DOCUMENT["paths"].items()}
    assert shown.pop("openapi.json") == {"get"}
    assert shown == {path: {method.lower() for method in methods} for path, methods in ROUTES.items()}


def test_each_reference_leads_somewhere_and_each_component_is_used() -> None:
    used = {node["$ref"] for node in nodes(DOCUMENT) if "$ref" in node}
    components = {
        f"#/components/{kind}/{name}"
        for kind, named in DOCUMENT["components"].items()
        if kind != "securitySchemes"
        for name in named
    }
    assert used == components


def test_it_has_every_field_word_and_bound_of_the_code() -> None:
    message = SCHEMAS["NewMessage"]["properties"]
    assert set(message) == FIELDS
    assert tuple(message["transliterate"]["enum"]) == POLICIES
    assert message["text"]["maxLength"] == TEXT_MAX
    assert message["validity_s"]["maximum"] == VALIDITY_MAX_S
    assert message["reference"]["maxLength"] == REFERENCE_MAX
    assert SCHEMAS["NewMessages"]["properties"]["messages"]["maxItems"] == sending.MESSAGES_MAX
    assert tuple(SCHEMAS["Message"]["properties"]["state"]["enum"]) == WORDS
    assert SCHEMAS["Problem"]["properties"]["code"]["enum"] == sorted(TITLES)
    limits = {
        path: next(one["schema"]["maximum"] for one in parameters_of(path) if one.get("name") == "limit")
        for path in ("/messages", "/incoming")
    }
    assert limits == {"/messages": LIMIT_MAX, "/incoming": INCOMING_MAX}
    preview = SCHEMAS["NewPreview"]["properties"]
    assert preview["values"]["maxProperties"] == VALUES_MAX
    assert preview["to"]["oneOf"][1]["maxItems"] == NUMBERS_MAX


MESSAGE = {"to": TO, "text": "hello", "reference": "r-1"}


@pytest.mark.parametrize(
    ("method", "path", "value"),
    [
        ("post", "/messages", MESSAGE),
        ("post", "/messages", {"messages": [MESSAGE, {"to": "x"}]}),
        ("post", "/messages", {"to": "x"}),
        ("post", "/messages", {"messages": [{"to": "x"}]}),
        ("get", "/messages", None),
        ("get", "/messages/{id}", None),
        ("delete", "/messages/{id}", None),
        ("get", "/incoming", None),
        ("get", "/account", None),
        ("post", "/preview", {"text": "Hello {name}", "values": {"name": "Alex"}, "to": [TO, "x"]}),
        ("post", "/preview", {"text": ""}),
    ],
)
def test_answers_are_as_it_says(api: ApiDesk, method: str, path: str, value: Any) -> None:
    later = api.post({**MESSAGE, "send_at": "2025-06-15T20:00:00Z"})
    told = api.ask(method.upper(), "/v1" + path.replace("{id}", later.value["id"]), value)
    shown = DOCUMENT["paths"][path][method]["responses"][str(told.status)]
    if "$ref" in shown:
        shown = schema_at(shown["$ref"])
    kind = "application/problem+json" if told.status >= 400 else "application/json"
    assert fits(told.value, shown["content"][kind]["schema"]), told.value
    assert not fits([told.value], shown["content"][kind]["schema"])


def test_requests_that_it_shows_are_taken(api: ApiDesk) -> None:
    for path in ("/messages", "/preview"):
        examples = DOCUMENT["paths"][path]["post"]["requestBody"]["content"]["application/json"]["examples"]
        for example in examples.values():
            assert api.ask("POST", f"/v1{path}", example["value"]).status in (200, 202)
