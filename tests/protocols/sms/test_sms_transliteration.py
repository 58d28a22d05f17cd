"""Plain and Latin writing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.sms import transliteration
from protocols.sms.alphabet import Alphabet, choose
from protocols.sms.transliteration import composed, latin, plain_typography


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("“a” „b‟ «c» ″", '"a" "b" "c" "'),
        ("‘a’ ‚b‛ ‹c› `d´", "'a' 'b' 'c' 'd'"),
        ("a‐b‑c–d—e−f", "a-b-c-d-e-f"),
        ("a…", "a..."),
        ("• a · b ⋅ c", "- a - b - c"),
        ("a\u00a0b\u2009c\u202fd\u3000e", "a b c d e"),
        ("a\u200bb\u00adc\ufeff", "abc"),
        ("™ © ®", "(TM) (c) (R)"),
        ("№ 5", "No. 5"),
        ("21 °C", "21 C"),
        ("2 × 3 ÷ 4 ± 1", "2 x 3 / 4 +/- 1"),
        ("a ≤ b ≥ c ≠ d → e", "a <= b >= c != d -> e"),
        ("½ ² µ", "1/2 2 u"),
        ("2½ 1⅔ 3¾m", "2 1/2 1 2/3 3 3/4m"),
        ("10² 10⁻³ 5×10⁶ m²", "10^2 10^-3 5x10^6 m2"),
        ("3·5 3 · 5 l·l", "3*5 3 - 5 l-l"),
        ("ＡＢＣ！", "ABC!"),
        ("ﬁ ﬂ", "fi fl"),
        ("é ä ж 😀 €", "é ä ж 😀 €"),
    ],
)
def test_typography(text: str, plain: str) -> None:
    assert plain_typography(text) == plain


def test_typography_is_written_in_gsm_alone() -> None:
    for code, plain in transliteration._TYPOGRAPHY.items():
        assert choose(plain) is Alphabet.GSM7
        assert choose(chr(code)) is Alphabet.UCS2, chr(code)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Russian
        (
            "Съешь ещё этих мягких французских булок",
            "Syesh eshchyo etikh myagkikh frantsuzskikh bulok",
        ),
        ("ПОДЪЕЗД, семье", "PODYEZD, semye"),
        ("Подъезд, объявление", "Podyezd, obyavlenie"),
        ("ЩИТ Щит щит Я", "SHCHIT Shchit shchit Ya"),
        ("ВНИМАНИЕ: Юля ЖДЁТ", "VNIMANIE: Yulya ZHDYOT"),
        ("й и\u0306", "y y"),
        # Ukrainian
        ("Київ, Львів, гривня, ґанок, є", "Kyiv, Lviv, hryvnya, ganok, ye"),
        # Belarusian
        ("Гомель, Воўк, мыш, і", "Gomel, Vouk, mysh, i"),
        # Bulgarian
        ("България, площад, хляб", "Balgariya, ploshtad, hlyab"),
        # Serbian, Macedonian
        ("Ђорђе, љубав, њива, ћуприја, џеп, чеше, жаба", "Djordje, ljubav, njiva, cuprija, dzep, cese, zaba"),
        ("Ќе одиме", "Kje odime"),
        # Kazakh
        ("Қазақстан, сөз, үй, ән, ағаш, таң", "Qazaqstan, söz, üy, än, agash, tañ"),
        # Greek
        ("Καλημέρα", "Kalimera"),
        ("Ευχαριστούμε, αύριο, αυτός", "Efcharistoume, avrio, aftos"),
        ("ΘΕΣΣΑΛΟΝΙΚΗ ψωμί", "THESSALONIKI psomi"),
        ("10 kΩ ж", "10 kΩ zh"),
        # Latin
        ("Łódź, žluťoučký kůň, İstanbul, ığdır", "Lodz, zlutoucky kun, Istanbul, igdir"),
        ("Đà Nẵng, œuvre, Þór", "Dà Nang, oeuvre, Thor"),
        ("é è ñ ö Ø ß Ç", "é è ñ ö Ø ß Ç"),
        ("ç ú í", "c u i"),
        ("5 ₽, 5 ₴, 5 €", "5 RUB, 5 UAH, 5 €"),
        ("Ⅳ ½ ㎏", "IV 1/2 kg"),
        ("日本 😀", "日本 😀"),
        ("plain `ascii`", "plain 'ascii'"),
    ],
)
def test_latin(text: str, expected: str) -> None:
    assert latin(text) == expected


def test_every_letter_leads_to_gsm() -> None:
    for mixed, capitals in transliteration._TABLES.values():
        for table in (mixed, capitals):
            assert all(choose(plain) is Alphabet.GSM7 for plain in table.values())


def test_the_alphabets_of_the_languages_are_whole() -> None:
    alphabets = (
        "абвгдеёжзийклмнопрстуфхцчшщъыьэюя",  # Russian
        "абвгґдеєжзиіїйклмнопрстуфхцчшщьюя",  # Ukrainian
        "абвгдеёжзійклмнопрстуўфхцчшыьэюя",  # Belarusian
        "абвгдежзийклмнопрстуфхцчшщъьюя",  # Bulgarian
        "абвгдђежзијклљмнњопрстћуфхцчџш",  # Serbian
        "абвгдѓежзѕијклљмнњопрстќуфхцчџш",  # Macedonian
        "аәбвгғдеёжзийкқлмнңоөпрстуұүфхһцчшщъыіьэюя",  # Kazakh
        "αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώϊϋΐΰ",  # Greek
    )
    for alphabet in alphabets:
        for text in (alphabet, alphabet.upper(), " ".join(alphabet)):
            assert choose(latin(text)) is Alphabet.GSM7, latin(text)


def test_composed() -> None:
    assert composed("u\u0308 и\u0306 a\u0323\u0302") == "ü й ậ"
    assert composed("\u0301a") == "\u0301a"


@pytest.mark.timeout(60)
def test_accents_without_end_cost_nothing() -> None:
    for base in ("a", "ж", "α", ""):
        text = base + "\u0323\u0301" * 20_000
        composed(text)
        latin(text)


@settings(deadline=None)
@given(st.text(max_size=50))
def test_anything_can_be_written(text: str) -> None:
    once = latin(text)
    assert choose(once) is Alphabet.GSM7 or choose(text) is Alphabet.UCS2
    if choose(text) is Alphabet.GSM7 and text.isascii():
        assert once == text
