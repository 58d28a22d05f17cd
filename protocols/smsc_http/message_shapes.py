"""The answers that are about messages: send.php, status.php, and what get.php tells of them, as data.

A message is sent and asked for in more shapes than anything else: by what was asked, by how many there are,
and by what is found out about them.
"""

from __future__ import annotations

from typing import Final

from protocols.smsc_http.layouts import (
    Answer,
    Block,
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
    template,
)

# -- send.php ---------------------------------------------------------------------------------------

_PHONE: Final = "phone mccmnc cost status error"
_PHONES: Final = Member("phones", Kind.RECORDS, members(_PHONE))
_PHONES_TREE: Final = Element(
    "phones", each="phones", children=(Element("phone", "phone", attributes("mccmnc cost status error")),)
)


def _send(cost: str, names: str, text: str, values: str, needs: str = "id") -> Shape:
    """`op=1` and `err=1` add the numbers; a call that says a code adds that in fmt 3."""
    rows = Block(template(bare(_PHONE)), "phones")
    plain = members(names)
    extra = () if needs == "cost" else members("code")
    tree = Element("result", children=(*leaves(" ".join(member.name for member in plain)), _PHONES_TREE))
    return Shape(
        (*plain, *extra, _PHONES),
        (*lines(text), rows),
        (*lines(values), rows),
        tree,
        needs=(needs,),
        when=(("cost", cost),) if cost else (),
    )


_SENT: Final = "OK - {cnt} SMS, ID - {id}"
SEND: Final = Answer(
    (
        _send("2", "id:I cnt:N cost", f"{_SENT}, COST - {{cost}}", "{id},{cnt},{cost}"),
        _send(
            "3",
            "id:I cnt:N cost balance",
            f"{_SENT}, COST - {{cost}}, BALANCE - {{balance}}",
            "{id},{cnt},{cost},{balance}",
        ),
        _send("", "id:I cnt:N", _SENT, "{id},{cnt}"),
    )
)
COST: Final = Answer((_send("", "cost cnt:N", "{cost} ({cnt} SMS)", "{cost},{cnt}", needs="cost"),))

# -- status.php -------------------------------------------------------------------------------------

_STATE: Final = "status:N last_date last_timestamp:N flag:N err:N"
_HLR: Final = "imsi msc mcc mnc cn net rcn rnet"
_SENT_AT: Final = "send_date send_timestamp:N phone cost sender_id status_name message"
# by `all`: the members after those of 0, what fmt 0 and fmt 1 say after theirs
_OF_MESSAGE: Final = {
    "0": ("", "", ""),
    "1": (
        f"{_SENT_AT} comment type:N sms_cnt:N",
        named("send_date phone cost sender_id status_name message* comment type"),
        f"{bare('send_timestamp phone cost sender_id status_name message*')}, {{comment}}, {{type}}",
    ),
    "2": (
        f"{_SENT_AT} comment mccmnc country operator operator_orig region type:N sms_cnt:N",
        f"{named('send_date phone mccmnc country operator')}, operator_orig= {{operator_orig}}, "
        + named("region cost sender_id status_name message* comment type"),
        f"{bare('send_timestamp phone country operator region cost sender_id status_name message*')}"
        ", {comment}, {type}",
    ),
}
_OF_HLR: Final = {
    "0": ("", "", ""),
    "1": (
        f"{_SENT_AT} type:N",
        named("send_date phone cost sender_id status_name message* type"),
        bare("send_timestamp phone cost sender_id status_name message* type"),
    ),
    "2": (
        f"{_SENT_AT} country operator region type:N",
        named("send_date phone country operator region cost sender_id status_name message* type"),
        bare("send_timestamp phone country operator region cost sender_id status_name message* type"),
    ),
}
_STATE_TEXT: Final = "Status = {status}, check_time = {last_date}, err = {err?}"
_STATE_VALUES: Final = "{status},{last_timestamp},{err}"


def _joined(*texts: str) -> str:
    return ", ".join(text for text in texts if text)


def _status(level: str, *, is_hlr: bool, listed: bool) -> Shape:
    names, text, values = (_OF_HLR if is_hlr else _OF_MESSAGE)[level]
    first, first_text, first_values = _STATE, _STATE_TEXT, _STATE_VALUES
    if is_hlr:
        first, first_text = f"{first} {_HLR}", f"{first_text}, {named(_HLR)}"
        first_values = f"{first_values},{bare(_HLR)}"
    added = ("id" if level != "0" else "id phone") if listed else ""
    shape = record(
        "sms",
        f"{first} {names} {added.replace('id', 'id:I')}",
        _joined(first_text, text, named(added)),
        ",".join(part for part in (first_values, values, bare(added)) if part),
    )
    return shape._replace(
        needs=("status",),
        when=(("all", level),),
        listed=listed,
        mark=("imsi", None) if is_hlr else None,
        proof=("sender_id", "HLR") if is_hlr and level != "0" else None,
    )


def _not_found(level: str, *, listed: bool) -> Shape:
    """Only the status, but in fmt 1, which has the columns of any message."""
    added = "id phone" if listed else ""
    text = _joined("Status = {status}", named(added))
    return record("sms", f"status:N {added.replace('id', 'id:I')}", text, "")._replace(
        values=_status(level, is_hlr=False, listed=listed).values,
        needs=("status",),
        when=(("all", level),),
        listed=listed,
        mark=("status", -3),
    )


STATUS: Final = Answer(
    tuple(
        shape
        for listed in (False, True)
        for level in "012"
        for shape in (
            _not_found(level, listed=listed),
            _status(level, is_hlr=True, listed=listed),
            _status(level, is_hlr=False, listed=listed),
        )
    ),
    Listing(commas=("phone", "id")),
)

# -- get.php ---------------------------------------------------------------------------------------

_MESSAGES_MEMBERS: Final = (
    "status:N last_date last_timestamp:N err:N send_date send_timestamp:N phone cost sender_id status_name"
    " message mccmnc country operator region type:N id:I int_id sms_cnt:N format:N crc:N"
)
MESSAGES: Final = Answer(
    (
        record(
            "sms",
            _MESSAGES_MEMBERS,
            named(
                "Status=status check_time=last_date err? send_date phone mccmnc country operator region cost"
                " sender_id status_name message* type ID=id int_id sms_cnt format crc"
            ),
            bare(
                "status last_timestamp err send_timestamp phone mccmnc country operator region cost sender_id"
                " status_name"
            )
            + f", {bare('message* type id int_id sms_cnt format crc')}",
        )._replace(needs=("status",)),
    ),
    Listing(),
)
ANSWERS: Final = Answer(
    (
        record(
            "sms",
            "id:N received phone message to_phone sent",
            named("id received phone message* to_phone sent"),
            bare("id received phone to_phone sent message*"),
        ),
    ),
    Listing("sms_answers"),
)
