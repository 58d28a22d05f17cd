"""The two styles of `translit`: sounds (privet), and look-alikes (npuBem)."""

from __future__ import annotations

from protocols.sms.transliteration_service import look_alikes, sounds

_STYLES = {"1": sounds, "2": look_alikes}


def transliterate(text: str, style: str) -> str:
    """The text in Latin letters; style `1` or `2`, any other leaves it as it is."""
    write = _STYLES.get(style)
    return write(text) if write is not None else text
