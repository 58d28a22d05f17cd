"""Documents of lines of text as PDF (ISO 32000-1), with their font in them, so that they look alike anywhere.

The same lines always make the same octets.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from gateway.front.pdf_font import NAME, Font, font

WIDTH, HEIGHT, MARGIN = 595, 842, 56
"""A4 and what stays empty around the text, in points."""
LINES_MAX = 1_000
"""Of a document; more are left out."""


SIZE_MIN = 1.0
"""Of letters, in points; smaller ones are broken into lines as these are."""


class Line(NamedTuple):
    """A paragraph, and what stands at the right end of its first line."""

    text: str = ""
    right: str = ""
    size: float = 10.5
    """In points."""
    ruled: bool = False
    """With a line across the page below it."""


def pdf_of(title: str, lines: Iterable[Line]) -> bytes:
    """A document; as many pages as it needs."""
    used = font()
    pages = _pages(used, lines)
    shown = sorted({glyph for page in pages for glyph in page.glyphs})
    first_page = 8
    kids = b" ".join(b"%d 0 R" % (first_page + 2 * number) for number in range(len(pages)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [%b] /Count %d >>" % (kids, len(pages)),
        b"<< /Title %b /Producer (smsc-gateway) >>" % _text(title),
        *_font_objects(used, shown),
    ]
    for page in pages:
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %d %d] /Contents %d 0 R"
            b" /Resources << /Font << /F 4 0 R >> >> >>" % (WIDTH, HEIGHT, len(objects) + 2)
        )
        objects.append(_stream(b"\n".join(page.drawn)))
    return _file(objects)


# -- pages ------------------------------------------------------------------------------------------


class _Page(NamedTuple):
    drawn: list[bytes]
    """Its content stream."""
    glyphs: set[int]


def _pages(used: Font, lines: Iterable[Line]) -> list[_Page]:
    pages = [_Page([], set())]
    y, count = float(HEIGHT - MARGIN), 0
    for line in lines:
        for number, part in enumerate(_wrapped(used, line)):
            count += 1
            if count > LINES_MAX:
                return pages
            if y < 2 * MARGIN:
                pages.append(_Page([], set()))
                y = HEIGHT - MARGIN
            y -= line.size * 1.4
            _show(pages[-1], used, MARGIN, y, line.size, part)
            if line.right and not number:
                at = WIDTH - MARGIN - used.width(line.right) * line.size / 1000
                _show(pages[-1], used, at, y, line.size, line.right)
        if line.ruled:
            y -= line.size * 0.5
            pages[-1].drawn.append(b"0.5 w %d %.2f m %d %.2f l S" % (MARGIN, y, WIDTH - MARGIN, y))
    return pages


def _show(page: _Page, used: Font, x: float, y: float, size: float, text: str) -> None:
    glyphs = used.glyphs_of(text)
    page.glyphs.update(glyphs)
    codes = b"".join(b"%04X" % glyph for glyph in glyphs)
    page.drawn.append(b"BT /F %.2f Tf %.2f %.2f Td <%b> Tj ET" % (size, x, y, codes))


def _wrapped(used: Font, line: Line) -> list[str]:
    """The lines of a paragraph: broken between words, and in a word that is wider than the page."""
    space = (WIDTH - 2 * MARGIN) * 1000 / max(line.size, SIZE_MIN)
    if line.right:
        space -= used.width(line.right + "  ")
    found, now = [], ""
    for word in line.text.split():
        longer = f"{now} {word}" if now else word
        if used.width(longer) <= space:
            now = longer
            continue
        if now:
            found.append(now)
        now = word
        while (fitting := _fitting(used, now, space)) < len(now):
            found.append(now[:fitting])
            now = now[fitting:]
    return [*found, now]


def _fitting(used: Font, word: str, space: float) -> int:
    """So many of its first characters have room; at least one."""
    for number, glyph in enumerate(used.glyphs_of(word)):
        space -= used.widths[glyph]
        if space < 0:
            return max(number, 1)
    return len(word)


# -- objects ----------------------------------------------------------------------------------------


def _font_objects(used: Font, shown: Sequence[int]) -> list[bytes]:
    """Objects 4 to 7: the font by the numbers of its glyphs (ISO 32000-1 §9.7), and what each of these is."""
    widths = b" ".join(b"%d [%d]" % (glyph, used.widths[glyph]) for glyph in shown)
    box = b" ".join(b"%d" % side for side in used.box)
    name = NAME.encode()
    descriptor = (
        b"<< /Type /FontDescriptor /FontName /%b /Flags 32 /FontBBox [%b] /ItalicAngle 0 /Ascent %d"
        b" /Descent %d /CapHeight 729 /StemV 80 /FontFile2 7 0 R >>" % (name, box, used.ascent, used.descent)
    )
    descendant = (
        b"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /%b /CIDToGIDMap /Identity /FontDescriptor %b"
        b" /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> /DW 600 /W [%b] >>"
        % (name, b"5 0 R", widths)
    )
    return [
        b"<< /Type /Font /Subtype /Type0 /BaseFont /%b /Encoding /Identity-H /DescendantFonts [%b]"
        b" /ToUnicode 6 0 R >>" % (name, descendant),
        descriptor,
        _stream(_meanings(used, shown)),
        _font_file(),
    ]


@lru_cache(maxsize=1)
def _font_file() -> bytes:
    """Packed once: that takes longer than all the rest of a document."""
    octets = font().octets
    return _stream(octets, b" /Length1 %d" % len(octets))


def _meanings(used: Font, shown: Sequence[int]) -> bytes:
    """A CMap from glyphs to characters, so that what is shown can be searched and copied (§9.10.3)."""
    wanted = set(shown)
    characters = {glyph: code for code, glyph in reversed(used.glyphs.items()) if glyph in wanted}
    rows = [b"<%04X> <%04X>" % (glyph, characters[glyph]) for glyph in shown if glyph in characters]
    blocks = [rows[at : at + 100] for at in range(0, len(rows), 100)]  # not more in one (§9.7.5.4)
    listed = b"\n".join(
        b"%d beginbfchar\n%b\nendbfchar" % (len(block), b"\n".join(block)) for block in blocks
    )
    return (
        b"/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"
        b"/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n"
        b"/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n"
        b"1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n%b\n"
        b"endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend" % listed
    )


def _text(text: str) -> bytes:
    """A text string (§7.9.2.2)."""
    return b"<FEFF%b>" % text.encode("utf-16-be", "replace").hex().upper().encode()


def _stream(octets: bytes, more: bytes = b"") -> bytes:
    packed = zlib.compress(octets, 9)
    return b"<< /Length %d /Filter /FlateDecode%b >>\nstream\n%b\nendstream" % (len(packed), more, packed)


def _file(objects: Sequence[bytes]) -> bytes:
    """The objects, numbered from 1, and where each begins (§7.5). The first is Root, the third is Info."""
    body = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    table = [b"0000000000 65535 f \n"]
    for number, content in enumerate(objects, 1):
        table.append(b"%010d 00000 n \n" % len(body))
        body += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    begins = len(body)
    body += b"xref\n0 %d\n" % len(table) + b"".join(table)
    body += b"trailer\n<< /Size %d /Root 1 0 R /Info 3 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        len(table),
        begins,
    )
    return bytes(body)
