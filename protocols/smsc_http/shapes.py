"""The answer of every operation in the four formats, as data (SMSC HTTP API, the answers of each script).

Where the reference leaves an order or a name open, what was seen from the service counts, else what is
nearest to its neighbours.
"""

from __future__ import annotations

from typing import Final

from protocols.smsc_http import message_shapes
from protocols.smsc_http.layouts import (
    Answer,
    Element,
    Kind,
    Listing,
    Member,
    Shape,
    attributes,
    bare,
    leaves,
    lines,
    members,
    named,
    record,
)

_OK: Final = Answer(
    (
        record("result", "result", "{result}", "{result}")._replace(
            tree=Element("result", "result"), mark=("result", "OK")
        ),
    )
)


def _rows(names: str, tag: str, free: str) -> Answer:
    """Records that have the same order in all formats, with plain rows of `key = value` and of values."""
    found = " ".join(member.name for member in members(names))
    marked = " ".join(f"{name}*" if name == free else name for name in found.split())
    return Answer((record(tag, names, named(marked), bare(marked)),), Listing())


def _one(tag: str, names: str, text: str, values: str, needs: str) -> Answer:
    """A single record."""
    return Answer((record(tag, names, text, values)._replace(needs=(needs,)),))


def _new_id(tag: str, text: str = "ID = {id}") -> Answer:
    """What was made has got this id."""
    return _one(tag, "id:N", text, "{id}", "id")


# -- jobs.php and balance.php -----------------------------------------------------------------------

_JOB: Final = (
    "id name subject repeat_send repeat_cnt created changed need_date last_sent phones message* format"
    " validity period frequency status sender_id"
)
_JOB_MEMBERS: Final = (
    "id:N name subject repeat_send:N repeat_cnt:N created changed need_date last_sent phones message format:N"
    " validity:N period frequency:N status:N cost sms_sent:N sms_ok:N sender_id"
)
_JOBS: Final = "id name changed need_date last_sent phones message* phones_cnt cost status sender_id format"
_JOBS_MEMBERS: Final = (
    "id:N name changed need_date last_sent phones message phones_cnt:N cost status:N sender_id format:N"
    " sms_sent:N sms_ok:N"
)


def _jobs(root: str, order: str, names: str) -> Answer:
    """Of a list of mails the member `phones` is named `emails`."""
    shapes = []
    for mail, member in (("1", "emails "), ("0", "phones ")):
        row, found = order.replace("phones ", member), names.replace("phones ", member)
        shape = record("job", found, bare(row, "|"), bare(row, ";"), row.replace("*", ""))
        shapes.append(shape._replace(when=(("mail", mail),)))
    return Answer(tuple(shapes), Listing(root))


_JOB_ADD: Final = Answer(
    (
        record("result", "id:N cost", "OK, ID - {id}, COST - {cost}", "{id},{cost}")._replace(
            needs=("id",), when=(("cost", "1"),)
        ),
        record("result", "id:N", "OK, ID - {id}", "{id}")._replace(needs=("id",)),
    )
)

_BALANCE: Final = Answer(
    (
        Shape(
            members("balance credit currency"),
            lines("{balance} {currency}"),
            lines("{balance},{currency}"),
            Element("result", children=leaves("balance credit currency")),
            needs=("balance",),
            when=(("cur", "1"),),
        ),
        Shape(
            members("balance"),
            lines("{balance}"),
            lines("{balance}"),
            Element("balance", "balance"),
            needs=("balance",),
        ),
    )
)

# -- phones.php and mails.php -----------------------------------------------------------------------


def _contacts(kind: str, blacked: str) -> dict[str, Answer]:
    """`kind` is "phone" or "mail", `blacked` the member of the blacklist."""
    contact = (
        f"{kind} name group:N first_name last_name middle_name birthday id comments tags {kind}_other int_id"
    )
    order = contact.replace(":N", "").replace(" int_id", "").replace(kind, f"{kind}*", 1)
    listed = f"id {blacked} type comment*"
    black = record("record", f"id:N {blacked} type:N comment", named(listed), bare(listed))._replace(
        aliases=(("phone", blacked), ("mail", blacked))
    )
    done = ("chg", "del", "move", "join", "leave", "group_chg", "group_del", "black_del")
    return {
        **{f"{kind}_{command}": _OK for command in done},
        f"{kind}_add": _new_id(kind),
        f"{kind}_black_add": _new_id(kind),
        f"{kind}_group_add": _new_id("group"),
        # the id after which to go on stands in fmt 3 only
        f"{kind}_get": Answer(
            (record("contact", contact, named(order), bare(order), order.replace("*", "")),), Listing()
        ),
        f"{kind}_group_get": _rows("id:N name number:N cnt", "group", free="name"),
        f"{kind}_black_get": Answer((black,), Listing()),
    }


# -- users.php and get.php --------------------------------------------------------------------------

_STAT: Final = _rows("login sms credit debit currency", "stat", free="login")
_STAT_ITEM: Final = "description operator mccmnc sms credit debit currency"
_STAT_ALL_ORDER: Final = f"login {_STAT_ITEM.replace('description', 'description*')}"
_STAT_ALL: Final = Answer(
    (
        Shape(
            (Member("login"), Member("items", Kind.RECORDS, members(_STAT_ITEM))),
            lines(named(_STAT_ALL_ORDER), rows="items"),
            lines(bare(_STAT_ALL_ORDER), rows="items"),
            Element(
                "user",
                attributes=attributes("login"),
                each="items",
                children=(Element("item", children=leaves(_STAT_ITEM)),),
            ),
        ),
    ),
    Listing(),
)

_ZONE: Final = "zone name api mass mms hlr call"
_CODE: Final = "mccmnc cost"
_PRICE: Final = Answer(
    (
        Shape(
            (
                Member("zones", Kind.RECORDS, members(_ZONE)),
                Member("codes", Kind.RECORDS, members(_CODE)),
                Member("mail"),
            ),
            (
                *lines(named(_ZONE.replace("name", "name*")), "zones"),
                *lines(named(_CODE), "codes"),
                *lines("mail = {mail}"),
            ),
            (
                *lines(bare(_ZONE.replace("name", "name*")), "zones"),
                *lines(bare(_CODE), "codes"),
                *lines("{mail}"),
            ),
            Element(
                "price",
                children=(
                    Element(
                        "zones",
                        each="zones",
                        children=(Element("zone", "zone", attributes("name api mass mms hlr call")),),
                    ),
                    Element(
                        "codes", each="codes", children=(Element("mccmnc", "mccmnc", attributes("cost")),)
                    ),
                    *leaves("mail"),
                ),
            ),
            gap="\n\n",
        ),
    )
)

# -- senders.php, templates.php, op_templates.php ---------------------------------------------------

_OPERATORS_TEXT: Final = (
    "mega_step bee_step motiv_step sber_step winmob_step volnamob_step mts_step tele2_step tele2 ua_reg"
    " ua_int mega_int motiv_int mts_int motiv by_reg by_int tele2_int sber_int"
)
_OPERATORS_JSON: Final = (
    "mega_step mega_int bee_step motiv motiv_step motiv_int sber_step sber_int winmob_step volnamob_step"
    " mts_step mts_int tele2_step tele2 tele2_int ua_reg ua_int by_reg by_int"
)
_FILES: Final = Member("files", Kind.RECORDS, members("file fid:N fstatus:N fcomment"))
_FILES_TREE: Final = Element(
    "files", each="files", children=(Element("file", "file", attributes("fid fstatus fcomment")),)
)


def _sender(names: str, text: str, values: str, shown: str, param: str = "") -> Shape:
    return Shape(
        (*members(names), _FILES),
        lines(text),
        lines(values),
        Element("sender", "sender", attributes(shown), (_FILES_TREE,)),
        needs=("sender",),
        when=((param, "1"),) if param else (),
    )


_SENDERS: Final = Answer(
    (
        _sender(
            f"sender {_OPERATORS_JSON} id",
            "name = {sender}, "
            + named(" ".join(f"{name}?" for name in _OPERATORS_TEXT.split()))
            + ", id = {id}",
            "{sender},{id}",  # not documented: what it is without the operators
            f"{_OPERATORS_TEXT} id",
            "operators",
        ),
        _sender(
            "sender status:N id:N",
            "name = {sender}, status = {status}, id = {id}",
            "{sender},{status},{id}",
            "status id",
            "all",
        ),
        _sender("sender id:N", "name = {sender}, id = {id}", "{sender},{id}", "id"),
    ),
    Listing(),
)
_SENDER_ADD: Final = Answer(
    (
        record("sender", "sender:N", "ID = {sender}", "{sender}", "id=sender")._replace(
            needs=("sender",), aliases=(("id", "sender"),)
        ),
    )
)
_OPERATOR_TEMPLATES: Final = Answer(
    (
        record(
            "template", "name status:N id:N", "{name} = {status}, id = {id}", "{name},{status},{id}"
        )._replace(keyed=("name", "status")),
    ),
    Listing("result"),
)

# -- the others -------------------------------------------------------------------------------------

_OPERATOR: Final = "country operator region mcc mnc tz"
_OF_PHONE: Final = f"phone {_OPERATOR}"
_OPERATOR_INFO: Final = Answer(
    (
        record("info", _OPERATOR, named(_OPERATOR), bare(_OPERATOR))._replace(listed=False),
        record("info", _OF_PHONE, named(_OF_PHONE), bare(_OF_PHONE))._replace(listed=True),
    ),
    Listing(commas=("phone",)),
)
_LINK: Final = "id cnt cnt_mon cnt_day cnt_yes cnt_pmon link"
_WAITCALL: Final = Answer(
    (
        Shape(
            (Member("phone"), Member("all_phones", Kind.TEXTS)),
            lines("phone = {phone}, all_phones = {all_phones*}"),
            lines("{all_phones*}"),
            Element(
                "result",
                children=(
                    *leaves("phone"),
                    Element("all_phones", each="all_phones", children=(Element("phone", "."),)),
                ),
            ),
            needs=("phone",),
            leading=("phone", "all_phones"),
        ),
    )
)
# errors of documents.php are JSON in every format; the invoice's members are not documented
_INVOICE: Final = Answer((record("result", "id:I sum", "", ""),))

ANSWERS: Final[dict[str, Answer]] = {
    "cost": message_shapes.COST,
    "send": message_shapes.SEND,
    "status": message_shapes.STATUS,
    "status_delete": _OK,
    "balance": _BALANCE,
    "job_add": _JOB_ADD,
    "job_del": _OK,
    "job_cancel": _OK,
    "job_get": _jobs("", _JOB, _JOB_MEMBERS),
    "job_list": _jobs("sms_jobs", _JOBS, _JOBS_MEMBERS),
    **_contacts("phone", "phone"),
    **_contacts("mail", "email"),
    "user_add": _new_id("user"),
    "user_chg": _OK,
    "user_pay": _OK,
    "user_stat": _STAT,
    "user_stat_all": _STAT_ALL,
    "doc_add_account": _INVOICE,
    "sender_get": _SENDERS,
    "sender_add": _SENDER_ADD,
    **{f"sender_{command}": _OK for command in ("chg", "code", "check", "del")},
    "tpl_add": _new_id("template", "ID - {id}"),
    "tpl_chg": _OK,
    "tpl_del": _OK,
    "tpl_get": _rows("id:N name format sender flag:N message", "template", free="message"),
    "optpl_add": _OPERATOR_TEMPLATES,
    "optpl_get": _OPERATOR_TEMPLATES,
    "ping": _OK,
    "messages": message_shapes.MESSAGES,
    "answers": message_shapes.ANSWERS,
    "stat": _STAT,
    "price": _PRICE,
    "operator": _OPERATOR_INFO,
    "tinyurl": _one("result", _LINK, named(_LINK), bare(_LINK), "id"),
    "rcv_get": _rows("phone type:N cost current_cost info", "receive_phone", free="info"),
    "rcv_buy": _one("phone", "cost", "cost = {cost}", "{cost}", "cost"),
    "rcv_chg": _OK,
    "waitcall": _WAITCALL,
    "dl_list": _rows("id:N name status created time file", "task", free="name"),
}
"""By operation; what is not here answers with a file only."""
