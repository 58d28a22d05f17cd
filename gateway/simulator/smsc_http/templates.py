"""templates.php: the account's own templates of messages."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.simulator.smsc_http import fields
from gateway.simulator.smsc_http.model import ApiProblem, Handler, Params
from gateway.simulator.smsc_http.shelf import Shelf

MAX_TEMPLATES = 1_000
FORMATS = ("", "sms", "flash", "bin", "push", "mms", "call", "mail", "viber")

_NOT_FOUND = 3
_NOT_SAVED = 5


@dataclass(slots=True, eq=False)
class Template:
    """One template; `signature`: its text is put under messages by itself."""

    id: int
    name: str
    text: str
    format: str = ""
    sender: str = ""
    signature: bool = False


class Templates:
    """All of them, oldest first."""

    def __init__(self) -> None:
        self._templates: Shelf[Template] = Shelf(MAX_TEMPLATES)

    def handlers(self) -> dict[str, Handler]:
        """By the names of the operations."""
        return {
            "tpl_add": self._add,
            "tpl_chg": self._change,
            "tpl_del": self._delete,
            "tpl_get": self._get,
        }

    def text_of(self, id: int) -> str | None:
        """The text of a template, for a mailing list that uses it; None: no such template."""
        template = self._templates.get(id)
        return None if template is None else template.text

    def _add(self, params: dict[str, str], now: float) -> object:
        name, text = fields.text(params, "name"), fields.text(params, "msg")
        _check(params)
        if len(self._templates) >= MAX_TEMPLATES:
            raise ApiProblem(_NOT_SAVED)
        template = self._templates.add(lambda id: Template(id, name, text))
        _take(template, params)
        return {"id": template.id}

    def _change(self, params: dict[str, str], now: float) -> object:
        _check(params)
        for name in ("name", "msg"):
            if name in params:
                fields.text(params, name)
        _take(self._find(params), params)
        return {"result": "OK"}

    def _delete(self, params: dict[str, str], now: float) -> object:
        self._templates.remove(self._find(params).id)
        return {"result": "OK"}

    def _get(self, params: dict[str, str], now: float) -> object:
        if not len(self._templates):
            raise ApiProblem(_NOT_FOUND)
        return [
            {
                "id": template.id,
                "name": template.name,
                "format": template.format,
                "sender": template.sender,
                "flag": int(template.signature),
                "message": template.text,
            }
            for template in self._templates
        ]

    def _find(self, params: Params) -> Template:
        template = self._templates.get(fields.integer(params, "id", 1, 2**31 - 1))
        if template is None:
            raise ApiProblem(_NOT_FOUND)
        return template


def _check(params: Params) -> None:
    fields.flag(params, "fl[1]")
    if params.get("format", "") not in FORMATS:
        raise fields.bad()
    if params.get("sender") and "@" not in params["sender"]:
        fields.sender_name(params["sender"])


def _take(template: Template, params: Params) -> None:
    """What a checked request says about it."""
    template.name = params.get("name", template.name)
    template.text = params.get("msg", template.text)
    template.format = params.get("format", template.format)
    template.sender = params.get("sender", template.sender)
    if "fl[1]" in params:
        template.signature = fields.flag(params, "fl[1]")
