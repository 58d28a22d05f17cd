"""senders.php: sender names, their registration with operators, and the codes that confirm numbers.

Moderators and operators of the simulation need a fixed time for each step. They accept everything but names
that begin with DENY, so that a client can see a refusal too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from gateway.simulator.smsc_http import fields
from gateway.simulator.smsc_http.model import ApiProblem, Handler, Outbox, Params, SimAccount
from gateway.simulator.smsc_http.moments import begin, day
from gateway.simulator.smsc_http.numbering import UNKNOWN, network_of
from gateway.simulator.smsc_http.shelf import Shelf
from gateway.simulator.smsc_http.uploads import File

MAX_NAMES = 20_000
MAX_RECORDS = 15_000
MAX_FILES = 20
MAX_FILE = 3 * 1024 * 1024
MAX_CODES = 1_000
STEP_S = 60.0
"""What moderation of a name needs, and each of the two steps of an operator."""
CODE_AGAIN_S = 8 * 3600.0
DENIED_PREFIX = "DENY"

_NOT_FOUND = 3
_NOT_SAVED = 5
_BAD_NUMBER = 7
_CANNOT_DELIVER = 8
_ALREADY_SENT = 10
_WRONG_CODE = 11

_WAITS, _SENT, _ALLOWED, _REFUSED = 0, 1, 2, 3
_FILE_TYPES = ("jpg", "tif", "pdf", "png", "zip", "rar")

OPERATORS = (
    *("mega_step", "mega_int", "bee_step", "motiv", "motiv_step", "motiv_int", "sber_step", "sber_int"),
    *("winmob_step", "volnamob_step", "mts_step", "mts_int", "tele2_step", "tele2", "tele2_int"),
    *("ua_reg", "ua_int", "by_reg", "by_int"),
)
"""The registrations of a name, in the order of JSON answers."""
_REQUESTABLE = tuple(name for name in OPERATORS if not name.endswith("_int") or name in ("ua_int", "by_int"))
_UA_NEEDS = ("fio", "inn", "site", "email", "address", "desc", "subj")
_BY_NEEDS = ("by_fio", "by_inn", "by_address", "by_mes", "by_site")


@dataclass(slots=True, eq=False)
class Document:
    """A file that belongs to a name."""

    id: int
    name: str
    info: str
    since: float


@dataclass(slots=True, eq=False)
class SenderName:
    """A name; `since` is when moderation began, None while a number waits for its code."""

    id: int
    name: str
    owner: str
    comment: str
    since: float | None
    confirmed: bool = False
    registered: dict[str, float] = field(default_factory=dict)
    """By operator, when it was asked for."""
    files: list[Document] = field(default_factory=list)

    @property
    def is_denied(self) -> bool:
        """Whether moderators and operators turn it down."""
        return self.name.upper().startswith(DENIED_PREFIX)

    def status(self, now: float) -> int:
        """0 waits for moderation, 1 allowed, 2 switched off."""
        if self.confirmed:
            return 1
        if self.since is None or now - self.since < STEP_S:
            return 0
        return 2 if self.is_denied else 1

    def state(self, operator: str, now: float) -> int | None:
        """Its state at an operator; None if it was never asked for there."""
        since = self.registered.get(operator)
        if since is None:
            return None
        steps = int((now - since) // STEP_S)
        return (_WAITS, _SENT, _REFUSED if self.is_denied else _ALLOWED)[max(0, min(steps, 2))]

    def changed_at(self, now: float) -> float | None:
        """When a state at an operator changed last; None if it has none."""
        changes = [since + min((now - since) // STEP_S, 2) * STEP_S for since in self.registered.values()]
        return max(changes, default=None)


@dataclass(slots=True)
class _Code:
    code: str
    sent_at: float


class Senders:
    """The names of the account and of its sub-clients; one is there from the beginning, the account's own."""

    def __init__(self, account: SimAccount, outbox: Outbox, login_of: Callable[[str], str | None]) -> None:
        """`login_of` finds a sub-client by its login or id."""
        self._account = account
        self._outbox = outbox
        self._login_of = login_of
        self._names: Shelf[SenderName] = Shelf(MAX_NAMES)
        self._files = 0
        self._codes: dict[str, _Code] = {}
        self._names.add(lambda id: SenderName(id, account.sender, "", "", None, confirmed=True))

    def handlers(self) -> dict[str, Handler]:
        """By the names of the operations; add and chg read files too."""
        return {
            "sender_get": self._get,
            "sender_add": self.add,
            "sender_chg": self.change,
            "sender_code": self._send_code,
            "sender_check": self._check_code,
            "sender_del": self._delete,
        }

    def is_active(self, name: str, now: float) -> bool:
        """Whether messages may be sent with this name."""
        return any(sender.name == name and sender.status(now) == 1 for sender in self._names)

    def is_allowed(self, name: str, operator: str, now: float) -> bool:
        """Whether the name exists, and no operator of this family (`mts`, `mega`, …) turned it down."""
        return any(
            sender.name == name
            and sender.status(now) == 1
            and not any(
                sender.state(key, now) == _REFUSED for key in OPERATORS if key.partition("_")[0] == operator
            )
            for sender in self._names
        )

    def add(self, params: dict[str, str], now: float, files: Sequence[File] = ()) -> object:
        """`add=1`, with one document at most."""
        name = fields.text(params, "sender")
        is_mail = fields.flag(params, "mail")
        name = fields.mail(name) if is_mail else fields.sender_name(name)
        comment = fields.optional_text(params, "name" if is_mail else "cmt")
        operators, owner = _registrations(params), self._owner(params)
        _check_files(files)
        if any(sender.name == name and sender.owner == owner for sender in self._names):
            raise ApiProblem(_NOT_SAVED)
        since = None if name.isdigit() else now
        sender = self._names.add(lambda id: SenderName(id, name, owner, comment, since))
        sender.registered.update(dict.fromkeys(operators, now))
        self._attach(sender, params, files, now)
        return {"sender": sender.id}

    def change(self, params: dict[str, str], now: float, files: Sequence[File] = ()) -> object:
        """`chg=1`: comment, further registrations, a document."""
        operators = _registrations(params)
        comment = fields.optional_text(params, "cmt")
        _check_files(files)
        sender = self._find(params)
        if "cmt" in params:
            sender.comment = comment
        for operator in operators:
            sender.registered.setdefault(operator, now)
        self._attach(sender, params, files, now)
        return {"result": "OK"}

    def _get(self, params: dict[str, str], now: float) -> object:
        wants_all, wants_operators = fields.flag(params, "all"), fields.flag(params, "operators")
        wants_files = fields.flag(params, "files")
        most = fields.count(params, MAX_RECORDS)
        found = [sender for sender in self._chosen(params, now) if wants_all or sender.status(now) == 1]
        if not found:
            raise ApiProblem(_NOT_FOUND)
        records = []
        for sender in found[:most]:
            record: dict[str, object] = {"sender": sender.name}
            if wants_operators:
                states = ((name, sender.state(name, now)) for name in OPERATORS)
                record.update((name, str(state)) for name, state in states if state is not None)
                record["id"] = str(sender.id)
            else:
                record.update({"status": sender.status(now)} if wants_all else {})
                record["id"] = sender.id
            if wants_files:
                record["files"] = [_file_record(document, now) for document in sender.files]
            records.append(record)
        return records

    def _chosen(self, params: Params, now: float) -> Iterator[SenderName]:
        """Of one owner and before `prev_id`, newest first; with `from_date` by their last change."""
        owner, since = self._owner(params), day(params, "from_date")
        before = fields.optional_integer(params, "prev_id", 1, 2**31 - 1)
        found = [
            sender
            for sender in self._names.newest()
            if sender.owner == owner and (before is None or sender.id < before)
        ]
        if since is None:
            return iter(found)
        start = begin(since, self._account.tz)
        changed = [(at, sender) for sender in found if (at := sender.changed_at(now)) is not None]
        changed.sort(key=lambda pair: pair[0], reverse=True)
        return (sender for at, sender in changed if at >= start)

    def _delete(self, params: dict[str, str], now: float) -> object:
        self._names.remove(self._find(params).id)
        return {"result": "OK"}

    def _send_code(self, params: dict[str, str], now: float) -> object:
        number = fields.phone(fields.text(params, "sender"), _BAD_NUMBER)
        self._owner(params)
        site, title = params.get("site", ""), fields.optional_text(params, "site_name", 100)
        if site and not self.is_active(site, now):
            raise ApiProblem(_NOT_FOUND)
        sent = self._codes.get(number)
        if sent is not None and now - sent.sent_at < CODE_AGAIN_S:
            raise ApiProblem(_ALREADY_SENT)
        if network_of(number) is UNKNOWN or network_of(number).operator == "Landline":
            raise ApiProblem(_CANNOT_DELIVER)
        seed = f"{self._account.login}:{number}:{int(now)}"
        code = f"{int(hashlib.sha256(seed.encode()).hexdigest(), 16) % 10**6:06}"
        message = {"phones": number, "mes": f"{code} is your code{f' for {title}' if title else ''}"}
        try:
            self._outbox.send({**message, **({"sender": site} if site else {})}, now)
        except ApiProblem as problem:
            raise ApiProblem(_BAD_NUMBER if problem.number == _BAD_NUMBER else _CANNOT_DELIVER) from None
        self._codes.pop(number, None)
        if len(self._codes) >= MAX_CODES:
            del self._codes[next(iter(self._codes))]
        self._codes[number] = _Code(code, now)
        return {"result": "OK"}

    def _check_code(self, params: dict[str, str], now: float) -> object:
        number = fields.phone(fields.text(params, "sender"), _BAD_NUMBER)
        code, sent = fields.text(params, "code", 20), self._codes.get(number)
        if sent is None:
            raise ApiProblem(_NOT_FOUND)
        if sent.code != code:
            raise ApiProblem(_WRONG_CODE)
        owner = self._owner(params)
        known = next((s for s in self._names if s.name == number and s.owner == owner), None)
        sender = known or self._names.add(lambda id: SenderName(id, number, owner, "", None))
        sender.confirmed = True
        return {"result": "OK"}

    def _find(self, params: Params) -> SenderName:
        id = fields.optional_integer(params, "id", 1, 2**31 - 1)
        name, owner = params.get("sender", ""), self._owner(params)
        if id is None and not name:
            raise fields.bad()
        for sender in self._names.newest():
            if sender.owner == owner and (sender.name == name if id is None else sender.id == id):
                return sender
        raise ApiProblem(_NOT_FOUND)

    def _owner(self, params: Params) -> str:
        """The sub-client of `user`; empty for the account itself."""
        user = params.get("user", "")
        if not user:
            return ""
        login = self._login_of(user)
        if login is None:
            raise fields.bad()
        return login

    def _attach(self, sender: SenderName, params: Params, files: Sequence[File], now: float) -> None:
        for file in files:
            self._files += 1
            sender.files.append(Document(self._files, file.name, params.get("doc_info", ""), now))
            del sender.files[:-MAX_FILES]


def _registrations(params: Params) -> list[str]:
    """The operators a request asks for; error 1 if it lacks what their countries need."""
    asked = [name for name in _REQUESTABLE if fields.flag(params, name)]
    if "ua_reg" in asked or "ua_int" in asked:
        for name in _UA_NEEDS:
            fields.text(params, name)
    if "by_reg" in asked or "by_int" in asked:
        for name in _BY_NEEDS:
            fields.text(params, name)
        fields.integer(params, "by_ocup", 1, 19)
        fields.integer(params, "by_type", 1, 3)
    return asked


def _check_files(files: Sequence[File]) -> None:
    if len(files) > 1:
        raise fields.bad()
    for file in files:
        if file.name.rpartition(".")[2].lower() not in _FILE_TYPES or len(file.data) > MAX_FILE:
            raise fields.bad()


def _file_record(document: Document, now: float) -> dict[str, object]:
    accepted = now - document.since >= STEP_S
    return {
        "file": document.name,
        "fid": document.id,
        "fstatus": 2 if accepted else 0,
        "fcomment": document.info,
    }
