"""Addresses and the mailboxes of From: vectors, limits, and what an attacker would like to be read."""

import pytest
from mail_grammar_support import parametrized

from protocols.mail.addresses import format_address, parse_address, parse_mailboxes


@parametrized("addresses")
def test_vectors_of_addresses(text: str, expected: str) -> None:
    if expected == "!":
        with pytest.raises(ValueError):
            parse_address(text)
        return
    local, _, domain = expected.rpartition(" | ")
    assert parse_address(text) == (local, domain)


@parametrized("addresses")
def test_what_was_read_can_be_written_and_read_again(text: str, expected: str) -> None:
    if expected != "!":
        local, domain = parse_address(text)
        assert parse_address(format_address(local, domain)) == (local, domain)


@parametrized("mailboxes")
def test_security_55_vectors_of_mailboxes(text: str, expected: str) -> None:
    if expected == "!":
        with pytest.raises(ValueError):
            parse_mailboxes(text)
        return
    found = [f"{name} <{address}>".strip() for name, address in parse_mailboxes(text)]
    assert found == expected.split(" | ")


CONTROLS = ["\r\n", "\n", "\r", "\0", "\t", "\x1b", "\x7f", "\x85", "\u2028"]


@pytest.mark.parametrize("control", CONTROLS)
@pytest.mark.parametrize(
    "text",
    ["{}ops@example.org", "op{}s@example.org", "ops@exam{}ple.org", "ops@example.org{}", '"a{}b"@x.org'],
)
def test_security_48_no_control_character_is_in_an_address(text: str, control: str) -> None:
    with pytest.raises(ValueError):
        parse_address(text.format(control))


@pytest.mark.parametrize("control", [control for control in CONTROLS if control != "\t"])
@pytest.mark.parametrize(
    "text", ["{}ops@example.org", "O{}ps <ops@example.org>", '"O{}ps" <ops@example.org>', "a@b.org ({})"]
)
def test_security_48_no_control_character_is_in_a_mailbox(text: str, control: str) -> None:
    with pytest.raises(ValueError):
        parse_mailboxes(text.format(control))


def test_a_folded_header_keeps_its_blanks_as_one() -> None:
    assert parse_mailboxes("The \t Ops\tTeam\t<ops@example.org>") == [("The Ops Team", "ops@example.org")]


def test_the_limits_of_an_address() -> None:
    """RFC 5321 §4.5.3.1, in octets."""
    label = "d" * 63
    for good in ("a" * 64 + "@example.org", "д" * 32 + "@example.org", f"a@{label}.org"):
        assert parse_address(good)[0] == good.partition("@")[0]
    whole = "a" * 62 + "@" + ".".join([label] * 3)
    assert len(whole) == 254
    assert parse_address(whole)[0] == "a" * 62
    for bad in (
        "a" * 65 + "@example.org",
        "д" * 32 + "a@example.org",
        f'"{"a" * 63}"@example.org',
        f"a@{label}d.org",
        "a" + whole,
        "a" * 62 + "@" + ".".join(["д" * 31] * 3) + ".org",
    ):
        with pytest.raises(ValueError):
            parse_address(bad)


def test_a_header_longer_than_any_is_not_read() -> None:
    longest = ",".join(["a@b.org"] * 1250)
    assert len(parse_mailboxes(f"{longest} ")) == 1250
    with pytest.raises(ValueError, match="more than 10000"):
        parse_mailboxes(f"{longest}  ")


def test_a_local_part_is_quoted_where_it_must_be() -> None:
    assert format_address("+7999", "example.org") == "+7999@example.org"
    assert format_address('a "b" \\', "example.org") == '"a \\"b\\" \\\\"@example.org'
    assert format_address("a..b", "example.org") == '"a..b"@example.org'
