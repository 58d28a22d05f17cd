"""`smsc-gateway encode`: what a text becomes, and why."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.__main__ import main

TURKISH = "Değerli müşterimiz, siparişiniz yola çıktı. Bugün içinde teslim edilecek, lütfen evde olunuz."
Capture = pytest.CaptureFixture[str]


def shown(capsys: Capture, *arguments: str) -> dict[str, Any]:
    assert main(["encode", "--json", *arguments]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_a_plain_text_is_shown_with_its_octets(capsys: Capture) -> None:
    assert main(["encode", "Hello {you}"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "alphabet     GSM 7 bit: all of it is in GSM 7 bit",
        "",
        "SMS 1 of 1: 11 characters, 13 septets, 13 octets of user data",
        "  | Hello {you}",
        "  48656C6C6F201B28796F751B29",
    ]


def test_the_characters_that_forced_ucs2_are_named_with_their_places(capsys: Capture) -> None:
    assert main(["encode", "Total 5 ₽, “ok” ₽₽₽₽₽ 👍🏽"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "alphabet     UCS-2: because of “₽” (U+20BD RUBLE SIGN) at character 9"
    assert lines[1] == "not in GSM 7 “₽” (U+20BD RUBLE SIGN) at 9, 17, 18, 19, 20 and 1 more"
    assert lines[2] == "             ““” (U+201C LEFT DOUBLE QUOTATION MARK) at 12"
    policies = lines[lines.index("what each policy would do") + 1 :][:7]
    assert [" ".join(line.split()) for line in policies] == [
        "none 1 segment, UCS-2",
        "typography 1 segment, UCS-2",
        "service_1 1 segment, UCS-2",
        "service_2 1 segment, UCS-2",
        "latin 1 segment, UCS-2",
        "any 1 segment, GSM 7 bit",
        "all shift tables 1 segment, UCS-2",
    ]
    assert "SMS 1 of 1: 24 characters (a reader sees 23), 26 units, 52 octets of user data" in lines


def test_json_has_everything(capsys: Capture) -> None:
    found = shown(capsys, "“Привет”", "--transliterate", "latin")
    assert found["text"] == '"Privet"'
    assert (found["alphabet"], found["reason"], found["data_coding"]) == ("GSM 7 bit", "transliteration", 0)
    assert (found["segments"], found["esm_class"]) == (1, 0)
    assert found["beyond_gsm7"][1] == {
        "character": "П",
        "code_point": "U+041F",
        "name": "CYRILLIC CAPITAL LETTER PE",
        "count": 1,
        "places": [2],
    }
    assert [(entry["transliterate"], entry["text"]) for entry in found["policies"]] == [
        ("none", "“Привет”"),
        ("typography", "“Привет”"),
        ("service_1", '"Privet"'),
        ("service_2", '"npuBem"'),
        ("latin", '"Privet"'),
        ("any", '"Privet"'),
    ]
    assert found["parts"] == [
        {
            "number": 1,
            "text": '"Privet"',
            "characters": 8,
            "signs": 8,
            "septets": 8,
            "octets": 8,
            "user_data_length": 8,
            "udh": "",
            "hex": b'"Privet"'.hex().upper(),
        }
    ]


def test_segments_have_headers_of_8_or_16_bits(capsys: Capture) -> None:
    text = "ж" * 71
    found = shown(capsys, text)
    assert (found["data_coding"], found["esm_class"]) == (8, 0x40)
    assert [part["udh"] for part in found["parts"]] == ["050003010201", "050003010202"]
    assert [(part["units"], part["octets"]) for part in found["parts"]] == [(67, 140), (4, 14)]
    found = shown(capsys, text, "--reference-bits", "16")
    assert [part["udh"] for part in found["parts"]] == ["06080400010201", "06080400010202"]
    assert [part["units"] for part in found["parts"]] == [66, 5]


def test_shift_tables_are_in_every_header_and_packed_behind_it(capsys: Capture) -> None:
    found = shown(capsys, TURKISH, "--shift-tables", "portuguese, turkish", "--packed")
    assert (found["locking_shift"], found["single_shift"]) == ("turkish", None)
    [part] = found["parts"]
    assert (part["udh"], part["septets"]) == ("03250101", 93)
    # 4 octets and 3 fill bits are 5 septets
    assert (part["user_data_length"], part["octets"]) == (98, 86)
    assert len(part["hex"]) == 2 * 82
    found = shown(capsys, TURKISH * 2, "--shift-tables", "all")
    assert [part["udh"] for part in found["parts"]] == ["080003010201250101", "080003010202250101"]
    assert "".join(part["text"] for part in found["parts"]) == TURKISH * 2


def test_the_shift_tables_are_named_in_words(capsys: Capture) -> None:
    assert main(["encode", "ş" * 80 + "ã" * 9, "--shift-tables", "turkish,portuguese"]) == 0
    first = capsys.readouterr().out.splitlines()[0]
    assert "GSM 7 bit with the turkish locking and portuguese single shift table: they save" in first


def test_a_letter_and_its_accent_are_composed_first(capsys: Capture) -> None:
    found = shown(capsys, "cafe\u0301")
    assert (found["alphabet"], found["beyond_gsm7"], found["characters"]) == ("GSM 7 bit", [], 4)


def test_text_from_a_file_and_from_standard_input(
    capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "text.txt"
    path.write_bytes("\ufeffa\nb\r\n".encode())
    assert shown(capsys, "--file", str(path))["text"] == "a\nb"
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"piped\n")))
    assert shown(capsys, "-")["text"] == "piped"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 2, "give either TEXT"),
        (["a", "--file", "b"], 2, "give either TEXT"),
        (["a", "--shift-tables", "french"], 2, "french is none of turkish, "),
        (["--file", "nowhere.txt"], 1, "nowhere.txt cannot be read"),
        (["ж" * 20_000], 1, "299 segments, 255 is the most"),
    ],
)
def test_mistakes_are_said(capsys: Capture, arguments: list[str], code: int, words: str) -> None:
    assert main(["encode", *arguments]) == code
    assert words in capsys.readouterr().err


def test_what_is_not_utf8_is_said(capsys: Capture, tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_bytes(b"abc\xff")
    assert main(["encode", "--file", str(path)]) == 1
    assert "is not UTF-8: octet 4" in capsys.readouterr().err


def test_control_characters_do_not_reach_the_terminal(capsys: Capture) -> None:
    assert main(["encode", "red \x1b[31m \u202e text"]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\u202e" not in out


def test_many_characters_are_not_all_listed(capsys: Capture) -> None:
    assert main(["encode", "".join(map(chr, range(0x4E00, 0x4E00 + 60)))]) == 0
    assert "             and 40 more" in capsys.readouterr().out.splitlines()
