"""Commands for sender names and templates (SMSC HTTP API, senders.php, templates.php, op_templates.php)."""

from __future__ import annotations

from gateway.cli.smsc.options import Option
from gateway.cli.smsc.table import COUNT, EXPORT, Command

OPERATORS = (
    *("mega_step", "mega_int", "bee_step", "motiv", "motiv_step", "motiv_int", "sber_step", "sber_int"),
    *("winmob_step", "volnamob_step", "mts_step", "mts_int", "tele2_step", "tele2", "tele2_int"),
    *("ua_reg", "ua_int", "by_reg", "by_int"),
)
_OPERATOR_STATES = {
    "0": "waits for registration",
    "1": "sent for registration",
    "2": "allowed",
    "3": "not accepted",
    "4": "temporarily off",
    "5": "not enough money",
    "8": "documents needed",
    "9": "from the next month",
    "255": "allowed, to be removed",
}
_TEMPLATE_STATES = {
    "-2": "cannot be saved",
    "-1": "sender or template not found",
    **{number: _OPERATOR_STATES[number] for number in "0134"},
    "2": "accepted",
}

_REGISTER = (
    *(
        Option(f"--{name.replace('_', '-')}", name, f"register it with {operator}", "switch")
        for name, operator in (
            ("mts_step", "MTS, paid"),
            ("mega_step", "MegaFon, paid"),
            ("bee_step", "Beeline, paid"),
            ("motiv_step", "Motiv, paid"),
            ("winmob_step", "Win-Mobile, paid"),
            ("volnamob_step", "Wave mobile, paid"),
            ("tele2_step", "Tele2, paid"),
            ("sber_step", "Sberbank mobile, free"),
            ("tele2", "Tele2, at the tariff with free names"),
            ("motiv", "Motiv, at the tariff with free names"),
            ("ua_reg", "Ukraine, national: needs --legal-name to --purpose"),
            ("ua_int", "Ukraine, international: the same"),
            ("by_reg", "Belarus, national: needs the options --by-…"),
            ("by_int", "Belarus, international: the same"),
        )
    ),
    Option("--legal-name", "fio", "legal name of the owner", metavar="TEXT"),
    Option("--tax-number", "inn", "tax number of the owner", metavar="N"),
    Option("--website", "site", "website of the owner", metavar="URL"),
    Option("--email", "email", "mail address of the owner", metavar="ADDRESS"),
    Option("--address", "address", "postal address of the owner", metavar="TEXT"),
    Option("--services", "desc", "what the owner offers", metavar="TEXT"),
    Option("--purpose", "subj", "what the messages are for", metavar="TEXT"),
    Option("--by-legal-name", "by_fio", "legal name", metavar="TEXT"),
    Option("--by-tax-number", "by_inn", "tax number", metavar="N"),
    Option("--by-address", "by_address", "postal address", metavar="TEXT"),
    Option("--by-trade", "by_ocup", "trade: 1 to 19", metavar="N"),
    Option("--by-type", "by_type", "type: 1 to 3", metavar="N"),
    Option("--by-sample", "by_mes", "a sample message", metavar="TEXT"),
    Option("--by-website", "by_site", "website", metavar="URL"),
    Option(
        "--document",
        "file",
        "document to send along: jpg, tif, pdf, png, zip, rar, up to 3 MB",
        "file",
        "FILE",
    ),
    Option("--document-info", "doc_info", "what the document is", metavar="TEXT"),
)
_SENDER = Option("SENDER", "sender", "the name", required=True)
_FOR_USER = Option("--user", "user", "of this sub-client", metavar="LOGIN")
_BY_NAME_OR_ID = (
    Option("--name", "sender", "the name", metavar="SENDER", exclusive="sender"),
    Option("--id", "id", "its id", exclusive="sender"),
)
SENDERS = (
    Command(
        "senders list",
        "sender_get",
        "list sender names",
        "senders list --operators",
        (
            Option("--all", "all", "also those that are not active, with their state", "flag"),
            Option("--operators", "operators", "with the state at each operator", "flag"),
            Option("--files", "files", "with the documents", "flag"),
            Option(
                "--changed-since", "from_date", "only where an operator's state changed since", "date", "DAY"
            ),
            Option("--before", "prev_id", "only names made before this id", metavar="ID"),
            COUNT,
            _FOR_USER,
            *EXPORT,
        ),
        words={
            "status": {"0": "waits for moderation", "1": "allowed", "2": "off"},
            "fstatus": {"0": "under review", "1": "rejected", "2": "approved"},
            **dict.fromkeys(OPERATORS, _OPERATOR_STATES),
        },
    ),
    Command(
        "senders add",
        "sender_add",
        "ask for a sender name, a number or a mail address as sender",
        "senders add MyShop --comment 'our shop' --document licence.pdf --document-info licence",
        (
            _SENDER,
            Option("--comment", "cmt", "comment", metavar="TEXT"),
            Option("--mail", "mail", "it is a mail address", "flag"),
            Option("--owner", "name", "with --mail: its owner", metavar="TEXT"),
            *_REGISTER,
            _FOR_USER,
        ),
    ),
    Command(
        "senders change",
        "sender_chg",
        "change a sender name, or register it with more operators",
        "senders change --name MyShop --mts-step",
        (*_BY_NAME_OR_ID, Option("--comment", "cmt", "comment", metavar="TEXT"), *_REGISTER, _FOR_USER),
    ),
    Command(
        "senders delete",
        "sender_del",
        "delete a sender name",
        "senders delete --name MyShop",
        (*_BY_NAME_OR_ID, _FOR_USER),
    ),
    Command(
        "senders code",
        "sender_code",
        "have the confirmation code of a number sent to it",
        "senders code 79991234567",
        (
            _SENDER,
            Option("--from", "site", "active sender name that sends the code", metavar="SENDER"),
            Option("--website", "site_name", "website that the code's text names", metavar="URL"),
            _FOR_USER,
        ),
    ),
    Command(
        "senders check",
        "sender_check",
        "confirm a number with the code it got",
        "senders check 79991234567 338824",
        (_SENDER, Option("CODE", "code", "the code", required=True), _FOR_USER),
    ),
)

_TEMPLATE = (
    Option(
        "--format",
        "format",
        "what it is for",
        choices={word: word for word in ("sms", "flash", "bin", "push", "mms", "call", "mail", "viber")},
    ),
    Option("--from", "sender", "sender name", metavar="SENDER"),
    Option("--signature", "fl[1]", "it is added to every message", "switch"),
)
_OPERATOR_TEMPLATES = (
    Option("SENDER", "sender", "sender name", required=True),
    Option("TEXT", "msg", "text of the template", required=True),
    *(
        Option(f"--{name.replace('_', '-')}", name, words, "flag")
        for name, words in (
            ("mts_srv", "MTS, service"),
            ("mts_auth", "MTS, authorisation"),
            ("mts_trn", "MTS, transactional"),
            ("mega_adv", "MegaFon, advertising"),
            ("mega_srv", "MegaFon, service"),
            ("mega_auth", "MegaFon, authorisation"),
            ("mega_trn", "MegaFon, transactional"),
            ("bee_srv", "Beeline, service"),
            ("bee_trn", "Beeline, transactional"),
            ("tele2_srv", "Tele2, service"),
            ("tele2_trn", "Tele2, transactional"),
            ("motiv_srv", "Motiv, service"),
            ("motiv_trn", "Motiv, transactional"),
            ("soc", "social networks"),
        )
    ),
)
TEMPLATES = (
    Command("templates list", "tpl_get", "list templates", "templates list", EXPORT),
    Command(
        "templates add",
        "tpl_add",
        "make a template",
        "templates add 'Late' 'Your order is late' --format sms",
        (
            Option("NAME", "name", "name", required=True),
            Option("TEXT", "msg", "text", required=True),
            *_TEMPLATE,
        ),
    ),
    Command(
        "templates change",
        "tpl_chg",
        "change a template",
        "templates change 12 --text 'Your order will be late'",
        (
            Option("ID", "id", "its id", required=True),
            Option("--name", "name", "its name", metavar="TEXT"),
            Option("--text", "msg", "its text"),
            *_TEMPLATE,
        ),
    ),
    Command(
        "templates delete",
        "tpl_del",
        "delete a template",
        "templates delete 12",
        (Option("ID", "id", "its id", required=True),),
    ),
    Command(
        "operator-templates add",
        "optpl_add",
        "register a text with operators",
        "operator-templates add MyShop 'Your code is %d' --mts-auth",
        _OPERATOR_TEMPLATES,
        words={"status": {**_TEMPLATE_STATES, "1": "added"}},
        work="records:operator_templates",
    ),
    Command(
        "operator-templates list",
        "optpl_get",
        "the state of a text at the operators",
        "operator-templates list MyShop 'Your code is %d'",
        _OPERATOR_TEMPLATES,
        words={"status": _TEMPLATE_STATES},
        work="records:operator_templates",
    ),
)
