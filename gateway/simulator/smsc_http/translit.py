"""The two styles of `translit`: sounds (privet), and look-alikes (npuBem)."""

from __future__ import annotations

_LETTERS = "абвгдеёжзийклмнопрстуфхцчшщъыьэюя"
_SOUNDS = "a b v g d e yo zh z i j k l m n o p r s t u f kh ts ch sh shch ' y ' e yu ya"
_LOOKS = "a 6 B r g e e >I< 3 u u K /I M H o n p c m y qp x u, 4 w w, 'b bI b -) I0 9I"


def _both_cases(words: str, *, title: bool) -> dict[int, str]:
    table = dict(zip(_LETTERS, words.split(), strict=True))
    upper = {letter.upper(): word.capitalize() if title else word for letter, word in table.items()}
    return str.maketrans({**table, **upper})


_TABLES = {"1": _both_cases(_SOUNDS, title=True), "2": _both_cases(_LOOKS, title=False)}


def transliterate(text: str, style: str) -> str:
    """The text in Latin letters; style `1` or `2`, any other leaves it as it is."""
    table = _TABLES.get(style)
    return text.translate(table) if table is not None else text
