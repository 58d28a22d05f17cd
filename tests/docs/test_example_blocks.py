"""How the manuals' examples are read, and when an output is the one that is shown."""

from __future__ import annotations

import pytest
from example_blocks import Block, Command, arguments_of, blocks_of, commands_of, lines_said_in, matched

PAGE = """\
# A page

```yaml
a: 1
```

```console
$ smsc-gateway send --to <number> \\
    --text 'a b'
accepted: message_id <id>

done
$ echo $?
0
```
"""


def test_blocks_are_found_with_their_lines() -> None:
    first, second = blocks_of(PAGE)
    assert first == Block("yaml", "a: 1\n", 3)
    assert list(commands_of(second)) == [
        Command("smsc-gateway send --to <number> --text 'a b'", "accepted: message_id <id>\n\ndone", 8),
        Command("echo $?", "0", 13),
    ]


def test_a_console_block_begins_with_a_command() -> None:
    with pytest.raises(ValueError, match="line 9"):
        list(commands_of(Block("console", "output\n", 9)))


def test_a_dialogue_is_what_is_said_with_its_replies() -> None:
    block = Block("smtp", "> EHLO x\n< 250-a\n< 250 b\n>\n> .\n< 250 …\n", 5)
    assert list(lines_said_in(block)) == [
        Command("EHLO x", "250-a\n250 b", 6),
        Command("", "", 9),
        Command(".", "250 …", 10),
    ]
    with pytest.raises(ValueError, match="line 6"):
        lines_said_in(Block("smtp", "< 220 hello\n", 5))
    with pytest.raises(ValueError, match="line 7"):
        lines_said_in(Block("smtp", "> QUIT\nbye\n", 5))


def test_a_word_in_a_command_is_what_it_was() -> None:
    assert arguments_of("message '<id> x' <id>", {"id": "7"}) == ["message", "7 x", "7"]
    with pytest.raises(KeyError):
        arguments_of("message <id>", {})


@pytest.mark.parametrize(
    ("shown", "output", "words"),
    [
        ("a  b", "a b  \n", {}),
        ("a b", "ab\n", None),
        ("a b", "a b\nc\n", None),
        ("a… c", "a b c\n", {}),
        ("a…", "a\n", {}),
        ("a…", "a\nb\n", None),
        ("a\n…\nd", "a\nb\nc\nd\n", {}),
        ("a\n…", "a\n", {}),
        ("…", "", {}),
        ("", "", {}),
        ("", "a\n", None),
        ("id <id>, <id>", "id 7, 7\n", {"id": "7"}),
        ("id <id>, <id>", "id 7, 8\n", None),
        ("id <id>", "id 7 8\n", None),
        ("id <other>", "id old\n", {}),
        ("id <other>", "id new\n", None),
        ("1.5 (x)", "1.5 (x)\n", {}),
        ("1.5 (x)", "1x5 (x)\n", None),
        ("<1@example.org>", "<1@example.org>\n", {}),
    ],
)
def test_an_output_is_the_one_that_is_shown(shown: str, output: str, words: dict[str, str] | None) -> None:
    assert matched(shown, output, {"other": "old"}) == words
