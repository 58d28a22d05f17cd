"""docs/smsc-commands.md lists every command of `smsc-gateway smsc` with its options."""

from __future__ import annotations

import re

from docs_support import options_of, section, text_of

from gateway.cli.smsc.commands import COMMANDS
from gateway.cli.smsc.options import Option
from gateway.cli.smsc.table import Command

PAGE = "docs/smsc-commands.md"
LONG = 30
"""Commands with more options than this have a table of their own."""
LIKE = {"jobs add": "send", "sub-clients change": "sub-clients add", "senders change": "senders add"}
"""The first one's table leaves out what the second one's has."""


def row_of(command: Command) -> str:
    """The table's row as the program has it."""
    positional = [_shown(option) for option in command.options if option.positional]
    flags = [f"`{_shown(option)}`" for option in command.options if not option.positional]
    if command.mail:
        flags.append("`--mail`")
    if len(flags) > LONG:
        flags = [f"[below](#{_anchor(command)})"]
    words = " ".join([command.name, *positional])
    return f"| `{words}` | {_escaped(command.help)} | {', '.join(flags) or '–'} |"


def _shown(option: Option) -> str:
    if option.positional:
        word = option.metavar or option.flag
        return f"{word}…" if option.kind == "many" else word
    if option.kind in ("flag", "switch"):
        return option.flag
    value = "\\|".join(option.choices) or option.metavar or option.flag.rpartition("-")[2].upper()
    return f"{option.flag} {value}"


def _anchor(command: Command) -> str:
    return command.name.replace(" ", "-")


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "\\<")


def option_of(option: Option) -> str:
    no = f", `--no-{option.flag[2:]}`" if option.kind == "switch" else ""
    return f"| `{_shown(option)}`{no} | {_escaped(option.help)} |"


def test_the_page_lists_every_command() -> None:
    found = [
        line
        for line in section(PAGE, "## Commands").split("\n### ")[0].splitlines()
        if line.startswith("| `")
    ]
    expected = [row_of(command) for command in COMMANDS.values()]
    assert found == expected, "put this under ## Commands:\n" + "\n".join(expected)


def test_long_lists_of_options_have_a_table() -> None:
    for command in COMMANDS.values():
        flags = [option for option in command.options if not option.positional]
        if len(flags) > LONG:
            text = section(PAGE, f"### {command.name}")
            other = LIKE.get(command.name)
            assert other is None or f"the options of [{other}](#{_anchor(COMMANDS[other])})" in text
            found = [line for line in text.splitlines() if line.startswith("| `")]
            known = {option_of(option) for option in COMMANDS[other].options} if other else set()
            expected = [row for row in map(option_of, flags) if row not in known]
            assert found == expected, f"put this under ### {command.name}:\n" + "\n".join(expected)


def test_the_examples_of_the_page_are_commands() -> None:
    shared = {word for action in options_of("smsc") for word in action.option_strings}
    for line in re.findall(r"^smsc-gateway smsc (.*)$", text_of(PAGE), flags=re.M):
        name = next(name for name in sorted(COMMANDS, key=len, reverse=True) if line.startswith(name))
        flags = {option.flag for option in COMMANDS[name].options} | shared
        flags |= {"--mail"} if COMMANDS[name].mail else set()
        assert set(re.findall(r"--[a-z-]+", line)) <= flags, line
