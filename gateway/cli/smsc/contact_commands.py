"""Commands for contacts, their groups and the blacklist (SMSC HTTP API, phones.php, mails.php)."""

from __future__ import annotations

from gateway.cli.smsc.options import Option
from gateway.cli.smsc.table import COUNT, EXPORT, Command

_WORDS_OF_LISTS = {"type": {"0": "all", "1": "mass", "2": "single"}}

_NUMBER = Option("ADDRESS", "phone", "number, or with --mail a mail address", required=True)
_NUMBERS = Option("ADDRESS", "phone", "numbers, or with --mail mail addresses", "many", required=True)
_GROUP = Option("GROUP", "grp", "id of the group", required=True)
_CONTACT = (
    Option("--group", "grp", "ids of its groups", "many", "ID"),
    Option("--last-name", "lnm", "last name", metavar="TEXT"),
    Option("--first-name", "fnm", "first name", metavar="TEXT"),
    Option("--middle-name", "mnm", "middle name", metavar="TEXT"),
    Option("--birthday", "bd", "birthday: 1990-12-31", "date", "DAY"),
    Option("--own-id", "myid", "your own id of the contact", metavar="ID"),
    Option("--comment", "cmt", "comment", metavar="TEXT"),
    Option("--tags", "tags", "tags", metavar="TEXT"),
    Option("--other-phones", "pho", "other numbers, never sent to", metavar="TEXT"),
)

CONTACTS = (
    Command(
        "contacts list",
        "phone_get",
        "list contacts",
        "contacts list --group 321 --output contacts.csv",
        (
            Option("--group", "grp", "only of this group", metavar="ID"),
            Option("--address", "phone", "only with this number or mail address"),
            Option("--name", "fio", "only with this in one of the three names", metavar="TEXT"),
            Option("--search", "search", "only with this in name or number", metavar="TEXT"),
            Option("--after", "after_id", "only after the contact with this int_id", metavar="ID"),
            COUNT,
            *EXPORT,
        ),
        mail=True,
    ),
    Command(
        "contacts add",
        "phone_add",
        "add a contact",
        "contacts add 79991234567 --name 'Duty phone' --group 321",
        (_NUMBERS, Option("--name", "name", "name of the contact", required=True), *_CONTACT),
        mail=True,
    ),
    Command(
        "contacts change",
        "phone_chg",
        "change a contact",
        "contacts change 79991234567 --new-address 79997654321",
        (
            _NUMBER,
            Option("--new-address", "new_phone", "its new numbers or mail addresses", "many"),
            Option("--name", "name", "its new name"),
            *_CONTACT,
        ),
        mail=True,
    ),
    Command(
        "contacts delete",
        "phone_del",
        "delete a contact",
        "contacts delete 79991234567",
        (_NUMBER,),
        mail=True,
    ),
    *(
        Command(
            f"contacts {verb}",
            f"phone_{verb}",
            words,
            f"contacts {verb} 321 79991234567",
            (_GROUP, _NUMBER),
            mail=True,
        )
        for verb, words in (
            ("move", "move a contact to another group"),
            ("join", "add a contact to one more group"),
            ("leave", "take a contact out of a group"),
        )
    ),
    Command("groups list", "phone_group_get", "list groups", "groups list", EXPORT, mail=True),
    Command(
        "groups add",
        "phone_group_add",
        "make a group",
        "groups add 'On call' --number 777",
        (
            Option("NAME", "name", "name of the group", required=True),
            Option("--number", "num", "number to send to: G777 is the group 777", metavar="N"),
        ),
        mail=True,
    ),
    Command(
        "groups change",
        "phone_group_chg",
        "give a group another name or number",
        "groups change 321 'Day shift'",
        (
            _GROUP,
            Option("NAME", "name", "its name", required=True),
            Option("--number", "num", "number to send to: G777 is the group 777", metavar="N"),
        ),
        mail=True,
    ),
    Command("groups delete", "phone_group_del", "delete a group", "groups delete 321", (_GROUP,), mail=True),
    Command(
        "blacklist list",
        "phone_black_get",
        "list whom nothing is sent to",
        "blacklist list --count 100",
        (Option("--before", "prev_id", "only what was added before this id", metavar="ID"), COUNT, *EXPORT),
        words=_WORDS_OF_LISTS,
        mail=True,
    ),
    Command(
        "blacklist add",
        "phone_black_add",
        "send nothing more to someone",
        "blacklist add 79991234567 --type mass",
        (
            _NUMBER,
            Option("--type", "type", "which messages", choices={"all": "0", "mass": "1", "single": "2"}),
            Option("--comment", "cmt", "why", metavar="TEXT"),
        ),
        mail=True,
    ),
    Command(
        "blacklist delete",
        "phone_black_del",
        "take someone off the blacklist",
        "blacklist delete 79991234567",
        (_NUMBER,),
        mail=True,
    ),
)
