"""The options of a message, of `send` and of mailing lists (SMSC HTTP API, send.php, jobs.php)."""

from __future__ import annotations

from gateway.cli.smsc.options import Option

_KIND = "kind"

TEXT = (
    Option(
        "--to",
        "phones",
        "number, mail address, G and the number of a group; repeat it, or use commas",
        "many",
        "NUMBER",
    ),
    Option("--text", "mes", "what to say; up to 1000 characters", exclusive="text"),
    Option("--text-file", "", "file that holds the text (UTF-8)", "path", "FILE", exclusive="text"),
    Option(
        "--list",
        "list",
        "file of lines NUMBERS:TEXT, in place of --to and --text; [SENDER[,TZ]|] may begin a line",
        "path",
        "FILE",
    ),
    Option("--multiline", "nl", "with --list: texts go on over several lines", "flag"),
)

KINDS = (
    Option("--flash", "flash", "shown at once, not kept", "flag", exclusive=_KIND),
    Option(
        "--push",
        "push",
        "WAP push: the text is a link, and a title on the next line",
        "flag",
        exclusive=_KIND,
    ),
    Option("--hlr", "hlr", "ask the operator about the number; nothing reaches it", "flag", exclusive=_KIND),
    Option(
        "--ping",
        "ping",
        "an invisible SMS: its receipt says whether the phone is on",
        "flag",
        exclusive=_KIND,
    ),
    Option("--mms", "mms", "MMS, with --file, --file-url or --subject", "flag", exclusive=_KIND),
    Option("--email", "mail", "a mail, with --subject and --from", "flag", exclusive=_KIND),
    Option("--soc", "soc", "to users of social networks", "flag", exclusive=_KIND),
    Option("--viber", "viber", "a Viber message", "flag", exclusive=_KIND),
    Option("--whatsapp", "whatsapp", "a WhatsApp message", "flag", exclusive=_KIND),
    Option("--call", "call", "a call that speaks the text or plays --file", "flag", exclusive=_KIND),
    Option("--bot", "bot", "Telegram, by this bot", metavar="@NAME", exclusive=_KIND),
    Option(
        "--binary",
        "bin",
        "a binary message: hex digits, with --udh where it has one",
        metavar="HEX",
        exclusive=_KIND,
    ),
)

BINARY = (
    Option("--udh", "", "--binary begins with a user data header", "flag"),
    Option("--pid", "", "protocol id of a binary message", "text", "N"),
    Option("--dcs", "", "data coding scheme of a binary message", "text", "N"),
)

DETAILS = (
    Option("--from", "sender", "sender name or number (default: the account's)", metavar="SENDER"),
    Option("--comment", "", "kept beside the message, not sent", metavar="TEXT"),
    Option("--translit", "translit", "write in Latin letters", choices={"latin": "1", "lookalike": "2"}),
    Option("--short-links", "tinyurl", "shorten the links of the text and count the clicks", "flag"),
    Option(
        "--at",
        "time",
        "when: 2024-12-31T18:00, DDMMYYhhmm, +MINUTES, or a window of hours as 10-18",
        "moment",
        "TIME",
    ),
    Option("--tz", "tz", "zone of --at: hours from Moscow", metavar="HOURS"),
    Option("--spread", "period", "spread the messages over so many hours (0.1 to 720)", metavar="HOURS"),
    Option("--every", "freq", "with --spread: minutes between two groups of numbers", "count", "MINUTES"),
    Option("--valid", "valid", "give up after HOURS (1 to 24) or hh:mm", metavar="HOURS"),
    Option("--subject", "subj", "subject of a mail or an MMS", metavar="TEXT"),
    Option(
        "--voice", "voice", "voice of a call: m to m4, w to w4, and a language as in m,en", metavar="VOICE"
    ),
    Option("--ring", "param", "a call's WAIT,INTERVAL,ATTEMPTS: seconds, seconds, number", metavar="W,I,N"),
    Option(
        "--confirm-days",
        "smsreq",
        "Telegram: hide the text until the number is confirmed anew",
        "count",
        "DAYS",
    ),
    Option("--file-url", "fileurl", "http(s) address of a file that the service fetches", metavar="URL"),
    Option("--file", "file", "file to send along; repeat it for more", "file"),
)

SEND = (
    *TEXT,
    *KINDS,
    *BINARY,
    *DETAILS,
    Option("--cost", "", "only ask what it would cost", "flag"),
    Option("--id", "id", "id of the message (default: one is made)"),
    Option("--max-parts", "maxsms", "cut the text after so many SMS", "count", "N"),
    Option("--op", "op", "show operator, cost and status of each number", "flag"),
    Option("--errors", "err", "show the numbers that were refused", "flag"),
    Option(
        "--captcha",
        "imgcode",
        "what the user read in the picture of `captcha`; with --user-ip",
        metavar="CODE",
    ),
    Option(
        "--user-ip",
        "userip",
        "address of the user: the account's limit for each address counts",
        metavar="IP",
    ),
    Option("--partner", "pp", "id of the partner whose referral this request is", metavar="ID"),
)

JOB = (
    Option("NAME", "name", "name of the list", required=True),
    *TEXT,
    Option("--template", "tpl", "id of the template that is the text", metavar="ID"),
    *KINDS,
    *BINARY,
    *(option for option in DETAILS if option.kind != "file"),
    Option("--sms-text", "mes2", "text of the SMS to whom the messenger did not reach", metavar="TEXT"),
    Option("--sms-from", "sender2", "sender of that SMS", metavar="SENDER"),
    Option("--sms-fallback", "fl[5]", "send that SMS where the message was not delivered", "flag"),
    Option(
        "--repeat",
        "rpt",
        "send the list again and again",
        choices={
            "never": "0",
            "hourly": "1",
            "daily": "2",
            "workdays": "3",
            "weekends": "4",
            "weekly": "5",
            "monthly": "6",
            "yearly": "7",
        },
    ),
    Option("--times", "rptn", "repeat it at most so often", "count", "N"),
)
