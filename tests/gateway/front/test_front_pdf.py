"""PDF: a file that programs can open, with text that people and programs can read."""

from __future__ import annotations

import re
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.front import pdf
from gateway.front.pdf import HEIGHT, LINES_MAX, MARGIN, WIDTH, Line, pdf_of
from gateway.front.pdf_font import font


def objects_of(pdf: bytes) -> dict[int, bytes]:
    """The objects, found by the table at the end as a reader finds them (ISO 32000-1 §7.5)."""
    assert pdf.startswith(b"%PDF-1.4\n")
    begins = re.search(rb"startxref\n(\d+)\n%%EOF\n\Z", pdf)
    assert begins is not None
    table = pdf[int(begins[1]) :]
    head = re.match(rb"xref\n0 (\d+)\n", table)
    assert head is not None
    count, entries = int(head[1]), table[head.end() :]
    found = {}
    for number in range(count):
        entry = entries[20 * number : 20 * number + 20]
        assert re.fullmatch(rb"\d{10} \d{5} [nf] \n", entry)
        if number:
            body = pdf[int(entry[:10]) :]
            start = b"%d 0 obj\n" % number
            assert body.startswith(start)
            found[number] = body[len(start) : body.index(b"\nendobj\n")]
    trailer = entries[20 * count :]
    assert b"/Size %d /Root 1 0 R /Info 3 0 R" % count in trailer
    for number in {
        int(n) for content in found.values() for n in re.findall(rb"(\d+) 0 R", _dictionary(content))
    }:
        assert number in found
    return found


def _dictionary(content: bytes) -> bytes:
    return content.partition(b"\nstream\n")[0]


def stream_of(content: bytes) -> bytes:
    head, _, rest = content.partition(b"\nstream\n")
    length = re.search(rb"/Length (\d+)", head)
    assert length is not None
    octets = rest[: int(length[1])]
    assert rest[int(length[1]) :] == b"\nendstream"
    return zlib.decompress(octets)


def texts_of(pdf: bytes) -> list[list[str]]:
    """What is shown on each page, by what the file itself says that its glyphs mean."""
    objects = objects_of(pdf)
    cmap = stream_of(objects[6])
    means = {code: bytes.fromhex(to.decode()).decode("utf-16-be") for code, to in _pairs(cmap)}
    pages = re.search(rb"/Kids \[(.*?)\]", objects[2])
    assert pages is not None
    found = []
    for kid in re.findall(rb"(\d+) 0 R", pages[1]):
        contents = re.search(rb"/Contents (\d+) 0 R", objects[int(kid)])
        assert contents is not None
        drawn = stream_of(objects[int(contents[1])])
        shown = re.findall(rb"<([0-9A-F]*)> Tj", drawn)
        found.append(["".join(means[text[at : at + 4]] for at in range(0, len(text), 4)) for text in shown])
    return found


def _pairs(cmap: bytes) -> list[tuple[bytes, bytes]]:
    return re.findall(rb"<([0-9A-F]{4})> <([0-9A-F]{4})>\n", cmap.replace(b"<0000> <FFFF>\n", b""))


def test_what_is_written_can_be_read_again() -> None:
    lines = [
        "Счёт на оплату № 7 от 01.02.2026",
        "Example Ltd. – “quoted” (brackets) \\ <angle>",
        "Сумма: 100.50 ₽ € ₴",
    ]
    [shown] = texts_of(pdf_of("Счёт", map(Line, lines)))
    assert shown == lines


def test_the_same_makes_the_same_octets() -> None:
    assert pdf_of("a", [Line("b")]) == pdf_of("a", [Line("b")])


def test_the_title_is_in_the_file() -> None:
    title = re.search(rb"/Title <FEFF([0-9A-F]*)>", objects_of(pdf_of("Счёт № 7", []))[3])
    assert title is not None
    assert bytes.fromhex(title[1].decode()).decode("utf-16-be") == "Счёт № 7"


def test_the_font_is_in_the_file_whole() -> None:
    objects = objects_of(pdf_of("a", [Line("b")]))
    assert stream_of(objects[7]) == font().octets
    assert b"/Length1 %d" % len(font().octets) in objects[7]
    assert b"/FontFile2 7 0 R" in objects[5]


def test_widths_are_those_of_the_font() -> None:
    # DejaVu Sans: an i is 569 of 2048 units, an m 1995
    assert (font().width("i"), font().width("m")) == (round(569 / 2.048), round(1995 / 2.048))
    widths = re.search(rb"/W \[(.*?)\] >>", objects_of(pdf_of("a", [Line("im")]))[4])
    assert widths is not None
    assert {int(width) for width in re.findall(rb"\[(\d+)", widths[1])} == {
        font().width("i"),
        font().width("m"),
    }


@pytest.mark.parametrize(
    "letters", ["абвгдежзийклмнопрстуфхцчшщъыьэюяё", "ЇїЄєҐґ", "ӘәҒғҚқҢңӨөҰұҮүҺһІі", "äöüßéñçøåłšž"]
)
def test_letters_of_our_clients_are_there(letters: str) -> None:
    assert all(ord(letter) in font().glyphs for letter in letters + letters.upper())
    assert font().width(letters) > 0


def test_letters_that_are_not_there_are_question_marks() -> None:
    assert texts_of(pdf_of("漢", [Line("a漢b🙂")])) == [["a?b?"]]


def test_long_paragraphs_are_broken_between_words() -> None:
    text = "слово " * 60
    [shown] = texts_of(pdf_of("", [Line(text)]))
    assert len(shown) > 1
    assert " ".join(shown) == text.strip()
    assert all(font().width(line) * 10.5 / 1000 <= WIDTH - 2 * MARGIN for line in shown)


def test_a_word_that_is_too_wide_is_broken() -> None:
    [shown] = texts_of(pdf_of("", [Line("a " + "Щ" * 500 + " b")]))
    assert "".join(shown).replace(" ", "") == "a" + "Щ" * 500 + "b"
    assert all(font().width(line) * 10.5 / 1000 <= WIDTH - 2 * MARGIN for line in shown)


def test_what_stands_at_the_right_has_its_place() -> None:
    content = stream_of(objects_of(pdf_of("", [Line("word " * 100, "1 000.00 RUR")]))[9])
    places = [float(x) for x in re.findall(rb" Tf ([\d.]+) [\d.]+ Td", content)]
    right = max(places)
    assert right + font().width("1 000.00 RUR") * 10.5 / 1000 == pytest.approx(WIDTH - MARGIN, abs=0.02)


def test_many_lines_make_pages() -> None:
    pages = texts_of(pdf_of("", [Line(f"line {number}") for number in range(150)]))
    assert len(pages) == 4
    assert [text for page in pages for text in page] == [f"line {number}" for number in range(150)]
    assert HEIGHT > 2 * MARGIN


def test_a_document_has_a_greatest_length() -> None:
    pages = texts_of(pdf_of("", [Line("a")] * (LINES_MAX + 100)))
    assert sum(map(len, pages)) == LINES_MAX


def test_a_letter_that_has_no_room_takes_a_line_all_the_same() -> None:
    assert pdf._fitting(font(), "ab", -1.0) == 1
    assert texts_of(pdf_of("", [Line("ab", "W" * 200)])) == [["a", "W" * 200, "b"]]


@pytest.mark.parametrize("size", [0.0, 1e-300, 0.5])
def test_letters_without_a_size_make_a_file(size: float) -> None:
    assert texts_of(pdf_of("", [Line("a b", "c", size)])) == [["a b", "c"]]


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=200), st.lists(st.tuples(st.text(max_size=300), st.text(max_size=20)), max_size=5))
def test_any_text_makes_a_file(title: str, lines: list[tuple[str, str]]) -> None:
    pages = texts_of(pdf_of(title, [Line(*line) for line in lines]))
    shown = "".join(text for page in pages for text in page)
    assert sorted(letters_of(shown)) == sorted(letters_of("".join("".join(line) for line in lines)))


def letters_of(text: str) -> str:
    """Those that the font surely has."""
    return "".join(re.findall("[A-Za-z]", text))
