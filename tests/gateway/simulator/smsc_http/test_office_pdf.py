"""PDF made by hand."""

from __future__ import annotations

import re

from gateway.simulator.smsc_http.pdf import page_of


def objects_of(pdf: bytes) -> dict[int, bytes]:
    """The objects, found by the table of offsets alone."""
    [start] = re.findall(rb"startxref\n(\d+)\n%%EOF\n$", pdf)
    table = pdf[int(start) :]
    found = re.match(rb"xref\n0 (\d+)\n0000000000 65535 f \n((?:\d{10} 00000 n \n)+)trailer\n", table)
    assert found
    lines = found[2].splitlines()
    assert len(lines) == int(found[1]) - 1
    objects = {}
    for number, line in enumerate(lines, 1):
        text = pdf[int(line[:10]) :]
        assert text.startswith(b"%d 0 obj\n" % number)
        objects[number] = text[len(b"%d 0 obj\n" % number) : text.index(b"\nendobj")]
    return objects


def test_each_object_is_where_the_table_says() -> None:
    objects = objects_of(page_of("Invoice 1", ["Sum: 1.00 RUR", "second line"]))
    assert objects[1] == b"<< /Type /Catalog /Pages 2 0 R >>"
    assert len(objects) == 6


def test_the_stream_has_the_length_it_says() -> None:
    stream = objects_of(page_of("A", ["x" * 50]))[4]
    found = re.fullmatch(rb"<< /Length (\d+) >>\nstream\n(.*)\nendstream", stream, re.DOTALL)
    assert found and len(found[2]) == int(found[1])


def test_the_text_cannot_leave_its_string() -> None:
    stream = objects_of(page_of(r"a) Tj (b\ ", ["(\nc"]))[4]
    assert rb"(a\) Tj \(b\\)" in stream
    assert rb"(\( c) Tj" in stream


def test_letters_that_the_font_has_not_become_others() -> None:
    assert b"(Schyot ?)" in page_of("Счёт 漢", [])
