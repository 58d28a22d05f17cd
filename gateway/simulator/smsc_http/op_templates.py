"""op_templates.php: templates registered with operators, each for one operator and sort of message."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gateway.simulator.smsc_http import fields
from gateway.simulator.smsc_http.model import Handler, Params
from gateway.simulator.smsc_http.senders import DENIED_PREFIX, STEP_S
from gateway.simulator.smsc_http.shelf import Shelf

MAX_TEMPLATES = 10_000
KEYS = (
    *("mts_srv", "mts_auth", "mts_trn", "mega_adv", "mega_srv", "mega_auth", "mega_trn"),
    *("bee_srv", "bee_trn", "tele2_srv", "tele2_trn", "motiv_srv", "motiv_trn", "soc"),
)
"""Operator and sort: srv service, auth authorisation, trn transactional, adv advertising."""

ADD_FAILED, ADD_NO_SENDER, ADDED = -2, -1, 1
NOT_FOUND, WAITS, SENT, ACCEPTED, REFUSED = -1, 0, 1, 2, 3

SenderCheck = Callable[[str, str, float], bool]
"""Whether (sender name, operator) may have templates now."""


@dataclass(slots=True, eq=False)
class OperatorTemplate:
    """A text of one sender name at one operator."""

    id: int
    sender: str
    text: str
    key: str
    since: float

    def status(self, now: float) -> int:
        """0 waits, 1 sent, 2 accepted, 3 not accepted: as names go, a step at a time."""
        steps = int((now - self.since) // STEP_S)
        last = REFUSED if self.text.upper().startswith(DENIED_PREFIX) else ACCEPTED
        return (WAITS, SENT, last)[max(0, min(steps, 2))]


class OperatorTemplates:
    """All of them."""

    def __init__(self, is_allowed: SenderCheck) -> None:
        self._is_allowed = is_allowed
        self._templates: Shelf[OperatorTemplate] = Shelf(MAX_TEMPLATES)

    def handlers(self) -> dict[str, Handler]:
        """By the names of the operations."""
        return {"optpl_add": self._add, "optpl_get": self._get}

    def _add(self, params: dict[str, str], now: float) -> object:
        sender, text, keys = _read(params)
        if not keys:
            raise fields.bad()
        return [self._add_one(sender, text, key, now) for key in keys]

    def _add_one(self, sender: str, text: str, key: str, now: float) -> dict[str, object]:
        if not self._is_allowed(sender, key.partition("_")[0], now):
            return {key: ADD_NO_SENDER, "id": 0}
        if self._find(sender, text, key):
            return {key: ADD_FAILED, "id": 0}
        template = self._templates.add(lambda id: OperatorTemplate(id, sender, text, key, now))
        return {key: ADDED, "id": template.id}

    def _get(self, params: dict[str, str], now: float) -> object:
        sender, text, keys = _read(params)
        records: list[dict[str, object]] = []
        for key in keys or KEYS:
            template = self._find(sender, text, key)
            status = NOT_FOUND if template is None else template.status(now)
            records.append({key: status, "id": template.id if template else 0})
        return records

    def _find(self, sender: str, text: str, key: str) -> OperatorTemplate | None:
        for template in self._templates:
            if template.key == key and template.sender == sender and template.text == text:
                return template
        return None


def _read(params: Params) -> tuple[str, str, list[str]]:
    """Sender, text, and the operators and sorts that were asked for."""
    keys = [key for key in KEYS if fields.flag(params, key)]
    return fields.text(params, "sender"), fields.text(params, "msg"), keys
