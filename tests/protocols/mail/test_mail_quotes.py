"""Quotations, signatures and flowed lines."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.mail.quotes import cut_quotes, cut_signature, unflow, without_armour

INTRODUCTIONS = [
    "On Mon, 12 May 2025 at 10:15, Alice <alice@example.com> wrote:",
    "On Mon, May 12, 2025 at 10:15 AM Alice\n<alice@example.com> wrote:",
    "On Mon, May 12, 2025 at 10:15 AM Alice <\nalice@example.com> wrote:",
    "On Mon, May 12, 2025 at 10:15 AM A long name that fills the line entirely\n<alice@example.com>\nwrote:",
    "On 12/05/2025 10:15, Alice wrote:",
    "Am 12.05.25 um 10:15 schrieb Alice:",
    "Am Montag, dem 12. Mai 2025 um 10:15 schrieb Alice <alice@example.com>:",
    "Le 12/05/2025 à 10:15, Alice a écrit :",
    "Le lun. 12 mai 2025 à 10:15, Alice <alice@example.com> a\nécrit :",
    "El lun, 12 may 2025 a las 10:15, Alice (<alice@example.com>) escribió:",
    "Il giorno lun 12 mag 2025 alle 10:15 Alice <alice@example.com> ha scritto:",
    "Em seg., 12 de mai. de 2025 às 10:15, Alice <alice@example.com> escreveu:",
    "Op ma 12 mei 2025 om 10:15 schreef Alice <alice@example.com>:",
    "Den mån 12 maj 2025 kl 10:15 skrev Alice <alice@example.com>:",
    "pon., 12 maj 2025 o 10:15 Alice <alice@example.com> napisał(a):",
    "W dniu 12.05.2025 o 10:15, Alice pisze:",
    "Dne 12. 05. 25 v 10:15 Alice napsala:",
    "пн, 12 мая 2025 г. в 10:15, Alice <alice@example.com>:",
    "12 мая 2025 г., в 10:15, Alice <alice@example.com> написал(а):",
    "12.05.2025 10:15, Alice пишет:",
    "Пользователь Alice писал(а) 2025-05-12 10:15:",
    "Понедельник, 12 мая 2025, 10:15 +03:00 от Alice <alice@example.com>:",
    "Вы писали 12 мая 2025 г., 10:15:15:",
    '12.05.2025, 10:15, "Alice" <alice@example.com>:',
    "пн, 12 трав. 2025 р. о 10:15 Alice <alice@example.com> пише:",
    "Alice <alice@example.com> 于2025年5月12日周一 10:15写道：",
    "2025年5月12日(月) 10:15 Alice <alice@example.com>:",
    "2025년 5월 12일 (월) 오전 10:15, Alice <alice@example.com>님이 작성:",
]


@pytest.mark.parametrize("introduction", INTRODUCTIONS)
def test_an_introduced_quotation_is_cut(introduction: str) -> None:
    text, what = cut_quotes(f"mine\nand more\n\n{introduction}\n\n> yours\n>\n> and yours\n", reply=False)
    assert text.split() == ["mine", "and", "more"]
    assert what == "3 quoted lines are left out"


@pytest.mark.parametrize("introduction", INTRODUCTIONS)
def test_a_quotation_without_marks_is_cut(introduction: str) -> None:
    text, what = cut_quotes(f"mine\n\n{introduction}\nyours\n\nand yours\n", reply=True)
    assert text.split() == ["mine"]
    assert what


@pytest.mark.parametrize("introduction", INTRODUCTIONS)
def test_answers_between_quotations_stay(introduction: str) -> None:
    text, _ = cut_quotes(f"{introduction}\n> one?\nfirst\n\n> two?\n> really?\n\nsecond", reply=True)
    assert text.split() == ["first", "second"]


def test_an_answer_that_adds_nothing_is_empty() -> None:
    text, _ = cut_quotes("On 1 May 2025, Alice wrote:\n> yours\n", reply=True)
    assert text.strip() == ""


@pytest.mark.parametrize(
    "separator",
    [
        "-----Original Message-----",
        "----- Original Message ----- ",
        "-----Исходное сообщение-----",
        "----- Исходное сообщение -----",
        "-----Ursprüngliche Nachricht-----",
        "-----Message d'origine-----",
        "________________________________\nFrom: A\nSent: B\nTo: C\nSubject: D",
        "From: A\nDate: B\nTo: C\nSubject: D",
        "*From:* A\n*Sent:* B\n*To:* C\n*Subject:* D",
        "Von: A\nGesendet: B\nAn: C\nBetreff: D",
        "De : A\nEnvoyé : B\nÀ : C\nObjet : D",
        "De: A\nEnviado el: B\nPara: C\nAsunto: D",
        "Da: A\nInviato: B\nA: C\nOggetto: D",
        "От: A\nОтправлено: B\nКому: C\nТема: D",
        "От кого: A\nДата: B\nКому: C\nТема: D",
        "\n\n------------------\n\nFrom: A\nSent: B\nTo: C\n\nSubject: D",
    ],
)
def test_an_answered_mail_below_is_cut(separator: str) -> None:
    text, what = cut_quotes(f"mine\n\n{separator}\n\nyours\n", reply=False)
    assert text.split() == ["mine"]
    assert what == "the mail that was answered is left out"
    # but not where it is all there is
    assert cut_quotes(f"{separator}\n\nyours\n", reply=False) == (f"{separator}\n\nyours\n", "")


@pytest.mark.parametrize(
    "text",
    [
        "3c3\n< old\n---\n> new\n",
        "> show version\nok\n",
        "mine\n> marked\n",
        "From: 10:00\nTo: 12:00\nwork\n",
        "x\nFrom: 192.0.2.1\nTo: 192.0.2.2\nSubject: drop\n",
        "note:\nsee below:\nend",
        "Errors of 12 May for root@db1.example.org:\ndisk full\n",
        "On 3 hosts the check wrote\nnothing",
        "x\n---------- Forwarded message ---------\nFrom: A\nDate: B\nTo: C\nSubject: D\n\nyours\n",
        "x\n\nBegin forwarded message:\n\nFrom: A\nDate: B\nTo: C\nSubject: D\n\nyours\n",
        "x\n-------- Пересылаемое сообщение --------\nОт: A\nДата: B\nКому: C\nТема: D\n\nyours\n",
        "------\nx\n--\ny\n",
        "",
    ],
)
def test_what_is_no_quotation_stays(text: str) -> None:
    assert cut_quotes(text, reply=False) == (text, "")


def test_in_an_answer_marked_lines_need_no_introduction() -> None:
    assert cut_quotes("> yours\nmine\n", reply=True)[0].split() == ["mine"]
    assert cut_quotes(" > yours\nmine\n", reply=True)[0].split() == ["mine"]
    assert cut_quotes("> all\n> of it\n", reply=True) == ("> all\n> of it\n", "")


def test_in_an_answer_a_sentence_with_an_address_stays() -> None:
    text = "Write by 12 May to ops@example.org:\nname, number\n"
    assert cut_quotes(text, reply=True) == (text, "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x\n-- \nA\nB", "x"),
        ("x\n--\nA", "x"),
        ("x\n-- \ny\n-- \nz", "x"),
        ("-- \nA", ""),
        ("x\n--\n1\n--\n2", None),
        ("x\n--\n" + "y\n" * 10, None),
        ("x\n--\n" + "y\n" * 9, "x"),
        ("x\n---\ny", None),
        ("x -- y", None),
        ("x\n --\ny", None),
        ("", None),
    ],
)
def test_cut_signature(text: str, expected: str | None) -> None:
    assert cut_signature(text) == (
        (text, "") if expected is None else (expected, "the signature is left out")
    )


@pytest.mark.parametrize(
    ("text", "delsp", "expected"),
    [
        ("a \nb", False, "a b"),
        ("a \nb", True, "ab"),
        ("a  \nb", True, "a b"),
        ("a\nb", False, "a\nb"),
        ("a \nb \nc\nd", False, "a b c\nd"),
        (" a \n  b", False, "a  b"),  # space-stuffing
        (" >a", False, ">a"),
        ("> a \n> b", False, "> a b"),
        (">a \n>b", False, "> a b"),
        ("> a \n>> b", False, "> a \n>> b"),
        ("> a \nb", False, "> a \nb"),
        ("a \n-- \nb", False, "a \n-- \nb"),
        ("a \n", False, "a "),
        ("a ", False, "a "),
        ("", False, ""),
    ],
)
def test_unflow(text: str, delsp: bool, expected: str) -> None:
    assert unflow(text, delsp=delsp) == expected


def test_without_armour() -> None:
    signed = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nx\n- -- y\n-----BEGIN PGP SIGNATURE-----\nz"
    assert without_armour(signed) == "x\n-- y"
    assert without_armour(signed[1:]) == signed[1:]
    assert without_armour("-----BEGIN PGP SIGNED MESSAGE-----\n") == ""


_piece = st.sampled_from(
    [
        ">",
        "> a",
        "\n",
        "\n\n",
        "x",
        " ",
        "wrote:",
        "On 1 ",
        "From: a\n",
        "Sent: b\n",
        "To: c\n",
        "--",
        "-- ",
        "@",
        ":",
    ]
)


@settings(deadline=None)
@given(pieces=st.lists(_piece, max_size=25), reply=st.booleans())
def test_only_whole_lines_are_cut(pieces: list[str], reply: bool) -> None:
    text = "".join(pieces)
    kept = cut_signature(cut_quotes(text, reply=reply)[0])[0]
    lines = iter(text.split("\n"))
    assert all(line in lines for line in kept.split("\n") if line)


@pytest.mark.parametrize(
    "footer",
    [
        "Sent from my iPhone",
        "Sent from Outlook for Android",
        "Get Outlook for iOS<https://example.com/x>",
        "Sent from Yahoo Mail on Android",
        "Von meinem iPhone gesendet",
        "Gesendet mit der GMX iPhone App",
        "Envoyé de mon iPhone",
        "Enviado desde mi iPhone",
        "Inviato da Outlook per Android",
        "Отправлено с iPhone",
        "Отправлено из мобильной Почты Mail.ru",
        "Отправлено с моего Samsung",
    ],
)
def test_what_a_telephone_adds_is_cut(footer: str) -> None:
    text, what = cut_signature(f"At nine.\n\n{footer}\n")
    assert (text.strip(), bool(what)) == ("At nine.", True)
    assert cut_signature(f"{footer}\nAt nine.") == (f"{footer}\nAt nine.", "")


@pytest.mark.parametrize(
    "line",
    [
        "Sent from warehouse 5",
        "Отправлено со склада 5",
        "Отправлено из Москвы 12.05",
        "Gesendet von Lager 5",
        "Get the keys for room 5",
        "The iPhone was sent from Berlin",
    ],
)
def test_what_a_person_sent_stays(line: str) -> None:
    assert cut_signature(f"Parcel 17\n{line}") == (f"Parcel 17\n{line}", "")
