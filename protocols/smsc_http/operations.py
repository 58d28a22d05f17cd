"""Every operation of the service: its script, what selects it, what it takes, what it answers.

One row per operation. Parameters that every operation takes are `COMMON` and stand in no row; the shapes of
the answers are in `shapes`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from protocols.smsc_http.layouts import Answer
from protocols.smsc_http.shapes import ANSWERS

COMMON: Final = frozenset({"login", "psw", "apikey", "fmt", "charset"})
SCRIPT_PATH: Final = "/sys/"
"""Where the scripts are."""
REST_SEND: Final = "/rest/send/"
"""The one other path: send.php with its parameters as one JSON object, POST only, answered in fmt 3."""

Command = tuple[tuple[str, str], ...]


class Operation(NamedTuple):
    """What the service can be asked for, under the name that the program has for it."""

    name: str
    script: str
    command: Command
    """Parameters that select it, with their values."""
    parameters: frozenset[str]
    """The others it takes, besides `COMMON`."""
    required: tuple[tuple[str, ...], ...]
    """What must be there: all of one of these."""
    answer: Answer
    """The shapes of a success; none when that is a file."""
    errors: frozenset[int]
    is_safe: bool
    """Asking twice is no more than asking once: nothing is sent, paid or changed."""
    is_file: bool
    """A success is a file (of `doc_add_account` a multipart of JSON and file), an error is text."""
    uploads: int
    """How many files a request may carry."""
    forced_fmt: int | None
    """The format of every text of it, whatever was asked for."""


_ERRORS: Final = {
    "send.php": "1 2 3 4 5 6 7 8 9 10",
    "jobs.php": "1 2 3 4 5 9",
    "status.php": "1 2 4 5 9",
    "balance.php": "1 2 4 9",
    "phones.php": "1 2 3 4 5 9",
    "mails.php": "1 2 3 4 5 9",
    "users.php": "1 2 3 4 5 6 7 8 9 10",
    "documents.php": "1 2 4 5 6 7 9",
    "senders.php": "1 2 3 4 5 7 8 9 10 11",
    "templates.php": "1 2 3 4 5 9",
    "op_templates.php": "1 2 4 9",
    "ping.php": "1 2 3 4 9",
    "info.php": "1 2 3 4 9",
    "tinyurls.php": "1 2 3 4 9",
    "receive_phones.php": "1 2 3 4 9",
    "wait_call.php": "1 2 3 4 5 9",
    "downloads.php": "1 2 4 5 9",
    "imgcode.php": "",
}
_ERRORS_OF_GET: Final = {"messages": "1 2 3 4 9"}

# what the text of a request may be; the sending scripts share these
_SENDING: Final = (
    "phones mes list nl sender translit tinyurl time tz period freq flash bin push hlr ping mms mail soc"
    " viber whatsapp bot smsreq fileurl call voice param subj valid cost"
)
# A text is not needed where there is nothing to say, or where a file says it.
_SEND_NEEDS: Final = (
    "phones mes|list|phones hlr|phones ping|phones fileurl|phones mms|phones call|phones viber"
)
_CONTACT: Final = "name grp lnm fnm mnm bd myid cmt tags pho"
_USER: Final = (
    "pswc password site_id new_login type email email2 phone phone2 fl[9] fl[8] fio props cntr tariff mintrf"
    " curr tz sender sender2 nb ktm fmts notes fl[29] fl[26] fl[16] fl2[8] fl2[9] fl2[24] fl2[12] fl2[13]"
    " fl2[23] fl2[31] fl3[20] ph fl[27] fl[28] fl[6] fl2[1] fl2[10] dlim plim tlim ilim tmlim fl2[15] fl2[16]"
    " vld answ answ_call fl2[4] url fl[10] fl[11] fl[2] fl[1] fl[23] fl2[27] fl[5] fl[30] mfl[0] mph mfl[5]"
    " mfl[6] mfl[1] mfl[2] mfl[3] mfl[4] mh1 mh2 mlen"
)
_REGISTRATION: Final = (
    "cmt mts_step mega_step bee_step motiv_step winmob_step volnamob_step tele2_step sber_step tele2 motiv"
    " ua_reg ua_int fio inn site email address desc subj by_reg by_int by_fio by_inn by_address by_ocup"
    " by_type by_mes by_site doc_info user"
)
_OPERATOR_FLAGS: Final = (
    "mts_srv mts_auth mts_trn mega_adv mega_srv mega_auth mega_trn bee_srv bee_trn tele2_srv tele2_trn"
    " motiv_srv motiv_trn soc"
)


class _Row(NamedTuple):
    """A row as it is written below: `required` are alternatives between bars."""

    name: str
    script: str
    command: str = ""
    required: str = ""
    others: str = ""


_ROWS: Final = (
    _Row("cost", "send.php", "cost=1", _SEND_NEEDS, f"{_SENDING} id maxsms imgcode userip err op pp"),
    _Row("send", "send.php", "", _SEND_NEEDS, f"{_SENDING} id maxsms imgcode userip err op pp"),
    _Row("status_delete", "status.php", "del=1", "phone id"),
    _Row("status", "status.php", "", "phone id", "all"),
    _Row("balance", "balance.php", "", "", "cur"),
    _Row(
        "job_add",
        "jobs.php",
        "add=1",
        "name list|name phones mes|name phones tpl|name phones hlr|name phones ping|name phones fileurl",
        f"{_SENDING} sender2 mes2 fl[5] rpt rptn tpl",
    ),
    _Row("job_del", "jobs.php", "del=1", "id", "mail"),
    _Row("job_cancel", "jobs.php", "cancel=1", "id", "mail"),
    _Row("job_get", "jobs.php", "get=1", "id", "mail"),
    _Row("job_list", "jobs.php", "get_all=1", "", "start end mail"),
    # mails.php is written by _mails() from these
    _Row("phone_add", "phones.php", "add=1", "phone name", _CONTACT),
    _Row("phone_chg", "phones.php", "chg=1", "phone", f"new_phone {_CONTACT}"),
    _Row("phone_del", "phones.php", "del=1", "phone"),
    _Row("phone_get", "phones.php", "get=1", "", "grp phone fio search after_id cnt"),
    _Row("phone_move", "phones.php", "move_group=1", "grp phone"),
    _Row("phone_join", "phones.php", "move_group=2", "grp phone"),
    _Row("phone_leave", "phones.php", "move_group=3", "grp phone"),
    _Row("phone_group_add", "phones.php", "add_group=1", "name", "num type"),
    _Row("phone_group_chg", "phones.php", "chg_group=1", "grp name", "num"),
    _Row("phone_group_del", "phones.php", "del_group=1", "grp"),
    _Row("phone_group_get", "phones.php", "get_group=1", "", "type"),
    _Row("phone_black_add", "phones.php", "add_black=1", "phone", "type cmt"),
    _Row("phone_black_del", "phones.php", "del_black=1", "phone"),
    _Row("phone_black_get", "phones.php", "get_black=1", "", "prev_id cnt"),
    _Row("user_add", "users.php", "add=1", "user password", _USER),
    _Row("user_chg", "users.php", "chg=1", "user", _USER),
    _Row("user_pay", "users.php", "pay=1", "user sum", "balance2"),
    _Row("user_stat_all", "users.php", "get_stat_all=1", "", "start end reseller"),
    _Row(
        "user_stat",
        "users.php",
        "get_stat=1",
        "",
        "start end reseller user user_id mycur balance2 hide_deleted",
    ),
    _Row("doc_add_account", "documents.php", "add_account=1", "user sum|user_id sum", "service"),
    _Row("doc_get_account", "documents.php", "get_account=1", "user id|user_id id"),
    _Row("doc_get_act", "documents.php", "get_act=1", "user id|user num|user_id id|user_id num"),
    _Row("sender_get", "senders.php", "get=1", "", "all operators files from_date prev_id cnt user"),
    _Row("sender_add", "senders.php", "add=1", "sender", f"{_REGISTRATION} mail name"),
    _Row("sender_chg", "senders.php", "chg=1", "sender|id", _REGISTRATION),
    _Row("sender_code", "senders.php", "send_code=1", "sender", "site site_name user"),
    _Row("sender_check", "senders.php", "check_code=1", "sender code", "user"),
    _Row("sender_del", "senders.php", "del=1", "sender|id", "user"),
    _Row("tpl_add", "templates.php", "add=1", "name msg", "format sender fl[1]"),
    _Row("tpl_chg", "templates.php", "chg=1", "id", "name msg format sender fl[1]"),
    _Row("tpl_del", "templates.php", "del=1", "id"),
    _Row("tpl_get", "templates.php", "get=1"),
    _Row("optpl_add", "op_templates.php", "add=1", "sender msg", _OPERATOR_FLAGS),
    _Row("optpl_get", "op_templates.php", "get=1", "sender msg", _OPERATOR_FLAGS),
    _Row("ping", "ping.php", "", "id", "name host info ok"),
    _Row("messages", "get.php", "get_messages=1", "", "start end phone email format cnt prev_id"),
    _Row("answers", "get.php", "get_answers=1", "", "cnt hour after_id to_phone"),
    _Row("stat", "get.php", "get_stat=1", "", "start end mycur balance2"),
    _Row("price", "get.php", "get_price=1"),
    _Row("operator", "info.php", "get_operator=1", "phone"),
    _Row("tinyurl", "tinyurls.php", "get=1", "id|link"),
    _Row("rcv_get", "receive_phones.php", "get=1"),
    _Row("rcv_buy", "receive_phones.php", "buy=1", "phone", "noprolong"),
    _Row("rcv_chg", "receive_phones.php", "chg=1", "phone noprolong"),
    _Row("waitcall", "wait_call.php", "", "phone"),
    _Row("dl_list", "downloads.php", "get_list=1", "", "cnt after_id"),
    _Row("dl_file", "downloads.php", "get_file=1", "id|name"),
    _Row("imgcode", "imgcode.php"),
)

_CHANGING: Final = (
    " send status_delete job_add job_del job_cancel user_add user_chg user_pay doc_add_account sender_add"
    " sender_chg sender_code sender_check sender_del tpl_add tpl_chg tpl_del optpl_add ping rcv_buy rcv_chg"
    " waitcall "
)
_CHANGING_CONTACTS: Final = (
    *("_add", "_chg", "_del", "_move", "_join", "_leave"),
    *("_group_add", "_group_chg", "_group_del", "_black_add", "_black_del"),
)
FILES: Final = frozenset({"doc_add_account", "doc_get_account", "doc_get_act", "dl_file", "imgcode"})
"""Operations whose success is a file."""
_UPLOADS: Final = {"send": 20, "cost": 20, "sender_add": 1, "sender_chg": 1}


def _mails(row: _Row) -> _Row:
    """The same of mails.php: an address where phones.php has a number."""

    def mirrored(names: str) -> str:
        words = {"phone": "mail", "new_phone": "new_mail"}
        return " ".join(words.get(name, name) for name in names.split())

    name = row.name.replace("phone_", "mail_")
    return _Row(name, "mails.php", row.command, mirrored(row.required), mirrored(row.others))


def _operation(row: _Row) -> Operation:
    required = tuple(tuple(names.split()) for names in row.required.split("|"))
    command = tuple((name, value) for name, _, value in (word.partition("=") for word in row.command.split()))
    taken = {*row.others.split(), *(name for names in required for name in names)}
    errors = _ERRORS_OF_GET.get(row.name, _ERRORS.get(row.script, "1 2 4 9"))
    kind, _, rest = row.name.partition("_")
    is_changing = f" {row.name} " in _CHANGING or (
        kind in ("phone", "mail") and f"_{rest}" in _CHANGING_CONTACTS
    )
    return Operation(
        row.name,
        row.script,
        command,
        frozenset(taken - {name for name, _ in command}),
        required,
        ANSWERS.get(row.name, Answer(())),
        frozenset(int(number) for number in errors.split()),
        is_safe=not is_changing,
        is_file=row.name in FILES,
        uploads=_UPLOADS.get(row.name, 0),
        forced_fmt=3 if row.script == "documents.php" else None,
    )


def _table() -> dict[str, Operation]:
    mails = [_mails(row) for row in _ROWS if row.script == "phones.php"]
    return {row.name: _operation(row) for row in (*_ROWS, *mails)}


OPERATIONS: Final[Mapping[str, Operation]] = _table()
SCRIPTS: Final = frozenset(operation.script for operation in OPERATIONS.values())

# Flags that stand in for the text: written as 0 they are as if they were not there.
_FLAGS: Final = frozenset({"hlr", "ping", "mms", "call", "viber"})


def _by_script() -> dict[str, tuple[Operation, ...]]:
    found: dict[str, tuple[Operation, ...]] = {}
    for operation in OPERATIONS.values():
        found[operation.script] = (*found.get(operation.script, ()), operation)
    return found


_OF_SCRIPT: Final = _by_script()


def find(script: str, params: Mapping[str, str]) -> Operation | None:
    """The operation that a request asks for; None for an unknown script, or a command that it has not.

    `script` as in `Operation.script`, or `REST_SEND`. With several commands in one request the first row
    counts.
    """
    for operation in _OF_SCRIPT.get("send.php" if script == REST_SEND else script, ()):
        for name, value in operation.command:
            if params.get(name) != value:
                break
        else:
            return operation
    return None


def missing(operation: Operation, params: Mapping[str, str]) -> tuple[str, ...]:
    """Names that the request lacks, () when it has what is required; an empty value is as good as none.

    Of several alternatives the one counts of which the least is missing.
    """
    for names in operation.required:
        for name in names:
            value = params.get(name)
            if not value or (value == "0" and name in _FLAGS):
                break
        else:
            return ()
    lacks = [
        tuple(name for name in names if params.get(name, "") in ("", "0" if name in _FLAGS else ""))
        for names in operation.required
    ]
    return min(lacks, key=len)


def unknown(operation: Operation, params: Mapping[str, str]) -> tuple[str, ...]:
    """Names that the operation does not take."""
    command = {name for name, _ in operation.command}
    return tuple(sorted(params.keys() - operation.parameters - COMMON - command))


def answer_fmt(operation: Operation, fmt: int) -> int:
    """The format in which an operation answers a request that asked for `fmt`."""
    return fmt if operation.forced_fmt is None else operation.forced_fmt
