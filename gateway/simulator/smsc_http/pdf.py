"""A small PDF of one page, made by hand (ISO 32000-1 §7.5): no program that makes PDFs is needed."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.simulator.smsc_http.translit import transliterate

_SPECIAL = str.maketrans({"\\": r"\\", "(": r"\(", ")": r"\)"})


def page_of(title: str, lines: Sequence[str]) -> bytes:
    """A page A4 with a title and lines under it. Letters that its font has not become others."""
    shown = b"".join(b"(" + _escaped(line) + b") Tj T*\n" for line in lines)
    content = b"BT /F1 18 Tf 72 770 Td (" + _escaped(title) + b") Tj\n"
    content += b"/F1 12 Tf 18 TL 0 -36 Td\n" + shown + b"ET"
    return _file_of(
        (
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
            b" /Resources << /Font << /F1 5 0 R >> >> >>",
            b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
            b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
            b"<< /Title (" + _escaped(title) + b") >>",
        )
    )


def _file_of(objects: Sequence[bytes]) -> bytes:
    """The objects, numbered from 1, and where each begins. The first one is Root, the last one Info."""
    body = b"%PDF-1.4\n"
    offsets = []
    for number, content in enumerate(objects, 1):
        offsets.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    table += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    trailer = b"trailer\n<< /Size %d /Root 1 0 R /Info %d 0 R >>\n" % (len(objects) + 1, len(objects))
    return body + table + trailer + b"startxref\n%d\n%%%%EOF\n" % len(body)


def _escaped(text: str) -> bytes:
    """A line of text as a string of the file."""
    plain = " ".join(transliterate(text, "1").split())
    return plain.translate(_SPECIAL).encode("cp1252", "replace")
