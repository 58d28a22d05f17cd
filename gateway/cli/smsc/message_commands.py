"""Commands for messages: sending, what became of them, mailing lists, history."""

from __future__ import annotations

from gateway.cli.smsc.message_options import JOB, SEND
from gateway.cli.smsc.options import Option
from gateway.cli.smsc.table import COUNT, EXPORT, PERIOD, STATISTICS, Command

MESSAGES = (
    Command("balance", "balance", "balance, credit and currency", "balance", fixed={"cur": "1"}),
    Command(
        "send",
        "send",
        "send a message of any kind, or ask what it would cost",
        "send --to 79991234567 --text 'Hello' --from MyShop --op",
        SEND,
        work="send:send",
    ),
    Command(
        "status",
        "status",
        "what became of messages",
        "status 1234:79991234567 --all 2",
        (
            Option("MESSAGE", "", "ID:NUMBER, or ID:NUMBER,NUMBER", "many", required=True),
            Option("--all", "all", "how much to show", choices={"0": "0", "1": "1", "2": "2"}),
            *EXPORT,
        ),
        work="send:status",
        of_messages=True,
    ),
    Command(
        "delete",
        "status_delete",
        "delete messages that were not sent yet, or their traces",
        "delete 1234:79991234567",
        (Option("MESSAGE", "", "ID:NUMBER, or ID:NUMBER,NUMBER", "many", required=True),),
        work="send:delete",
    ),
)

_JOB_ID = (
    Option("ID", "id", "id of the mailing list", required=True),
    Option("--email", "mail", "it is a list of mails", "flag"),
)
JOBS = (
    Command(
        "jobs add",
        "job_add",
        "make a mailing list: a sending that is kept and can be repeated",
        "jobs add weekly --to G777 --text 'Hello' --repeat weekly",
        (*JOB, Option("--cost", "cost", "show the cost; the list is made all the same", "flag")),
        work="send:add_job",
    ),
    Command(
        "jobs list",
        "job_list",
        "list mailing lists (default: 10 of the last 2 months)",
        "jobs list --start 2024-01-01 --end 2024-12-31",
        (*PERIOD, _JOB_ID[1], *EXPORT),
        (
            "id",
            "name",
            "need_date",
            "last_sent",
            "phones_cnt",
            "sms_sent",
            "sms_ok",
            "cost",
            "status",
            "sender_id",
        ),
    ),
    Command("jobs show", "job_get", "show a mailing list", "jobs show 12", _JOB_ID, single=True),
    Command("jobs cancel", "job_cancel", "stop a list that waits for its time", "jobs cancel 12", _JOB_ID),
    Command("jobs delete", "job_del", "delete a mailing list", "jobs delete 12", _JOB_ID),
)

HISTORY = ("send_date", "phone", "status", "err", "sender_id", "cost", "sms_cnt", "message", "id")
RECORDS = (
    Command(
        "history",
        "messages",
        "messages that were sent; all pages of them",
        "history --start 2024-12-01 --end 2024-12-31 --output december.csv",
        (
            *PERIOD,
            Option("--to", "phone", "only to these numbers", "many", "NUMBER"),
            Option("--email-to", "email", "only to these mail addresses", "many", "ADDRESS"),
            Option("--email", "format", "mails, not SMS", "flag", value="8"),
            Option("--before", "prev_id", "only before the message with this int_id", metavar="ID"),
            Option("--count", "", "at most so many (default: all)", "count", "N"),
            *EXPORT,
        ),
        HISTORY,
        work="records:history",
        of_messages=True,
    ),
    Command(
        "incoming",
        "answers",
        "incoming messages (default: of today)",
        "incoming --hours 24",
        (
            Option("--hours", "hour", "of the last hours, up to 168", "count", "N"),
            Option("--after", "after_id", "only with a higher id", metavar="ID"),
            Option("--to", "to_phone", "only to this number of yours", metavar="NUMBER"),
            COUNT,
            *EXPORT,
        ),
        ("id", "received", "phone", "to_phone", "message"),
    ),
    Command(
        "statistics",
        "stat",
        "messages and money of the account",
        "statistics --start 2024-01-01 --end 2024-01-31",
        (*STATISTICS, *EXPORT),
    ),
    Command("prices", "price", "what messages cost", "prices", EXPORT, work="records:prices"),
    Command(
        "operator",
        "operator",
        "country, operator, region and time zone of numbers",
        "operator 79991234567",
        (Option("NUMBER", "phone", "numbers", "many", required=True), *EXPORT),
    ),
    Command(
        "short-link",
        "tinyurl",
        "clicks of a short link",
        "short-link --id 145142",
        (
            Option("--link", "link", "the address it leads to", metavar="URL", exclusive="link"),
            Option("--id", "id", "its id", exclusive="link"),
        ),
    ),
)
