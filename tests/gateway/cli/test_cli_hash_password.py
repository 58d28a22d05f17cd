"""smsc-gateway hash-password."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest

from gateway.__main__ import main
from gateway.cli import hash_password
from gateway.core.passwords import verify


def piped(monkeypatch: pytest.MonkeyPatch, octets: bytes) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(octets), encoding="utf-8"))


def typed(monkeypatch: pytest.MonkeyPatch, *answers: str) -> None:
    """A terminal at which somebody types the answers; standard input itself holds nothing."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    remaining: Iterator[str] = iter(answers)

    def getpass(prompt: str) -> str:
        try:
            return next(remaining)
        except StopIteration:
            raise EOFError from None

    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr(hash_password, "getpass", getpass)


@pytest.mark.parametrize("octets", [b"pass-1", b"pass-1\n", b"pass-1\r\n", b"pass-1\nmore\n"])
def test_one_line_is_read_from_a_pipe(
    octets: bytes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    piped(monkeypatch, octets)
    assert main(["hash-password"]) == 0
    streams = capsys.readouterr()
    [line] = streams.out.splitlines()
    assert verify("pass-1", line)
    assert streams.err == ""


def test_a_terminal_is_asked_twice_without_echo(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed(monkeypatch, "pass-1", "pass-1")
    assert main(["hash-password"]) == 0
    assert verify("pass-1", capsys.readouterr().out.strip())


@pytest.mark.parametrize(
    ("answers", "text"),
    [
        (("pass-1", "pass-2"), "the two passwords differ"),
        ((), "no password was given"),
        (("", ""), "is empty"),
    ],
)
def test_what_a_terminal_may_not_answer(
    answers: tuple[str, ...], text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed(monkeypatch, *answers)
    assert main(["hash-password"]) == 1
    streams = capsys.readouterr()
    assert streams.out == ""
    assert text in streams.err


@pytest.mark.parametrize(
    ("octets", "text"),
    [(b"", "is empty"), (b"\n", "is empty"), (b"x" * 257, "longer than 256"), (b"\xff\n", "is not text")],
)
def test_what_a_pipe_may_not_hold(
    octets: bytes, text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    piped(monkeypatch, octets)
    assert main(["hash-password"]) == 1
    streams = capsys.readouterr()
    assert streams.out == ""
    assert text in streams.err


@pytest.mark.parametrize("password", ["bench-only", "пароль"])
def test_what_smpp_cannot_carry_is_noted(
    password: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    piped(monkeypatch, password.encode())
    assert main(["hash-password"]) == 0
    streams = capsys.readouterr()
    assert verify(password, streams.out.strip())
    assert "at most 8 ASCII characters" in streams.err
    assert password not in streams.err


def test_a_password_is_no_argument() -> None:
    with pytest.raises(SystemExit) as left:
        main(["hash-password", "pass-1"])
    assert left.value.code == 2
