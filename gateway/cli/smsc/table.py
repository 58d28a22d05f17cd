"""A row of the table of commands, and the options that many rows share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from gateway.cli.smsc.options import Option

Words = Mapping[str, Mapping[str, str]]
_NO_WORDS: Words = {}
_NOTHING: Mapping[str, str] = {}


class Command(NamedTuple):
    name: str
    """As typed; a group's command has two words."""
    operation: str
    """Of protocols.smsc_http.operations; what `work` asks besides is not named here."""
    help: str
    example: str
    options: tuple[Option, ...] = ()
    columns: tuple[str, ...] = ()
    """What a table shows, in this order; empty: everything."""
    words: Words = _NO_WORDS
    """What numbers of an answer mean, by name."""
    fixed: Mapping[str, str] = _NOTHING
    work: str = ""
    """module:function below this package; "" asks once and shows the answer."""
    of_messages: bool = False
    """Its records are messages, whose numbers the tables of the service explain."""
    single: bool = False
    """Its answer is one record, also where it comes as a list."""
    mail: bool = False
    """Takes --mail, and then asks the same of mail addresses."""


PERIOD = (
    Option("--start", "start", "first day: 2024-12-31", "date", "DAY"),
    Option("--end", "end", "last day (default: the first)", "date", "DAY"),
)
COUNT = Option("--count", "cnt", "at most so many", "count", "N")
FORCE = Option("--force", "", "overwrite the file", "flag")
EXPORT = (
    Option("--output", "", "save everything as a file: .csv or .json", "path", "FILE"),
    FORCE,
)
SAVE = (Option("--output", "", "file to write", "path", "FILE", required=True), FORCE)
TIMEOUT = Option("--timeout", "", "wait at most so long (default: 900)", "count", "S")
STATISTICS = (
    *PERIOD,
    Option("--own-currency", "mycur", "in the currency of the account", "flag"),
    Option("--electronic", "balance2", "what was paid from the electronic balance", "flag"),
)
