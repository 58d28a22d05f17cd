"""The SMSC service's two ways to write Russian in Latin letters: sounds (privet), look-alikes (npuBem)."""

from __future__ import annotations

_LETTERS = "абвгдеёжзийклмнопрстуфхцчшщъыьэюя"
_SOUNDS = "a b v g d e yo zh z i j k l m n o p r s t u f kh ts ch sh shch ' y ' e yu ya"
_LOOKS = "a 6 B r g e e >I< 3 u u K /I M H o n p c m y qp x u, 4 w w, 'b bI b -) I0 9I"


def _both_cases(words: str, *, title: bool) -> dict[int, str]:
    table = dict(zip(_LETTERS, words.split(), strict=True))
    upper = {letter.upper(): word.capitalize() if title else word for letter, word in table.items()}
    return str.maketrans({**table, **upper})


_BY_SOUND = _both_cases(_SOUNDS, title=True)
_BY_LOOK = _both_cases(_LOOKS, title=False)


def sounds(text: str) -> str:
    """`translit=1`: Russian letters by their sound; all others stay."""
    return text.translate(_BY_SOUND)


def look_alikes(text: str) -> str:
    """`translit=2`: Russian letters by Latin ones and signs that look like them; all others stay."""
    return text.translate(_BY_LOOK)
