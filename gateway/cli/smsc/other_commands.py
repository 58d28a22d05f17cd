"""Commands for rented numbers, calls that confirm a number, exports, notifications and the captcha."""

from __future__ import annotations

from gateway.cli.smsc.options import Option
from gateway.cli.smsc.table import COUNT, EXPORT, SAVE, TIMEOUT, Command

_TASK_STATES = {"0": "waits", "1": "runs", "2": "done", "3": "cancelled", "4": "failed"}
OTHERS = (
    Command(
        "notify",
        "ping",
        "fire a task group of the account's monitoring",
        "notify 5 --host db1 --info 'disk is full'",
        (
            Option("ID", "id", "id of the task group", required=True),
            Option("--name", "name", "for the macro {NAME}", metavar="TEXT"),
            Option("--host", "host", "for the macro {HOST}", metavar="TEXT"),
            Option("--info", "info", "for the macro {INFO}", metavar="TEXT"),
            Option("--ok", "ok", "it is well again", "flag"),
        ),
    ),
    Command(
        "numbers list",
        "rcv_get",
        "numbers for incoming messages that can be rented",
        "numbers list",
        EXPORT,
        words={"type": {"1": "virtual", "4": "virtual", "2": "SIM"}},
    ),
    Command(
        "numbers rent",
        "rcv_buy",
        "rent a number; it costs money at once",
        "numbers rent 79991234567 --no-renewal",
        (
            Option("NUMBER", "phone", "the number", required=True),
            Option("--no-renewal", "noprolong", "only to the end of the month", "flag"),
        ),
    ),
    Command(
        "numbers change",
        "rcv_chg",
        "whether a rented number is kept next month",
        "numbers change 79991234567 --renewal off",
        (
            Option("NUMBER", "phone", "the number", required=True),
            Option("--renewal", "noprolong", "rent it on", required=True, choices={"on": "0", "off": "1"}),
        ),
    ),
    Command(
        "wait-call",
        "waitcall",
        "confirm a number by a call from it: says which number to call",
        "wait-call 79991234567 --wait",
        (
            Option("NUMBER", "phone", "who will call", required=True),
            Option("--wait", "", "wait until the call came", "flag"),
            TIMEOUT,
        ),
        work="waiting:wait_call",
    ),
    Command(
        "downloads list",
        "dl_list",
        "exports that the account's pages were asked for",
        "downloads list",
        (Option("--after", "after_id", "only tasks with a higher id", metavar="ID"), COUNT, *EXPORT),
        words={"status": _TASK_STATES},
    ),
    Command(
        "downloads fetch",
        "dl_file",
        "wait until an export is ready and save it",
        "downloads fetch --id 12 --output messages.csv",
        (
            Option("--id", "id", "id of the task", exclusive="task"),
            Option("--name", "name", "its name", exclusive="task"),
            TIMEOUT,
            *SAVE,
        ),
        work="waiting:fetch",
    ),
    Command(
        "captcha",
        "imgcode",
        "save a captcha picture, whose code `send --captcha` takes",
        "captcha --output code.png",
        SAVE,
        work="files:save_answer",
    ),
)
