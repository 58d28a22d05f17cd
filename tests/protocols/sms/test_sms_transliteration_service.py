"""The service's two ways to write Russian in Latin letters."""

from __future__ import annotations

import pytest

from protocols.sms.alphabet import Alphabet, choose
from protocols.sms.transliteration_service import look_alikes, sounds

ALPHABET = "абвгдеёжзийклмнопрстуфхцчшщъыьэюя"


@pytest.mark.parametrize(
    ("text", "by_sound", "by_look"),
    [
        ("привет", "privet", "npuBem"),
        ("Щука и Ёж", "Shchuka i Yozh", "w,yKa u e>I<"),
        ("подъезд", "pod'ezd", "nog'be3g"),
        ("трансЛИТ", "transLIT", "mpaHc/Ium"),
        ("їжак 5 €", "їzhak 5 €", "ї>I<aK 5 €"),
    ],
)
def test_the_two_styles(text: str, by_sound: str, by_look: str) -> None:
    assert sounds(text) == by_sound
    assert look_alikes(text) == by_look


def test_all_of_russian_gets_into_gsm() -> None:
    for write in (sounds, look_alikes):
        for text in (ALPHABET, ALPHABET.upper()):
            assert choose(write(text)) is Alphabet.GSM7


def test_capitals_by_sound_are_written_with_a_capital() -> None:
    assert sounds("Ж Щ Ю Ь") == "Zh Shch Yu '"
