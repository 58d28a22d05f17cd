"""The message ids of the simulated SMSC: one form in the response, perhaps another in the receipt.

Real SMSCs do each of these (docs/simulator.md); the number behind both forms is the same.
"""

from __future__ import annotations

from collections.abc import Callable

_PADDED_WIDTH = 20
_MASK_64 = (1 << 64) - 1
_ODD = 0x9E3779B97F4A7C15  # an odd factor spreads consecutive numbers over all 64 bits, each once


def _decimal(number: int) -> tuple[str, str]:
    text = str(number)
    return text, text


def _hex(number: int) -> tuple[str, str]:
    text = f"{number:x}"
    return text, text


def _hex_upper(number: int) -> tuple[str, str]:
    text = f"{number:X}"
    return text, text


def _uuid(number: int) -> tuple[str, str]:
    digits = f"{number * _ODD & _MASK_64:016x}{number & _MASK_64:016x}"
    text = f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
    return text, text


def _decimal_resp_hex_receipt(number: int) -> tuple[str, str]:
    return str(number), f"{number:X}"


def _hex_resp_decimal_receipt(number: int) -> tuple[str, str]:
    return f"{number:x}", str(number)


def _padded(number: int) -> tuple[str, str]:
    return f"{number:0{_PADDED_WIDTH}d}", str(number)


_MAKERS: dict[str, Callable[[int], tuple[str, str]]] = {
    "decimal": _decimal,
    "hex": _hex,
    "hex_upper": _hex_upper,
    "uuid": _uuid,
    "decimal_resp_hex_receipt": _decimal_resp_hex_receipt,
    "hex_resp_decimal_receipt": _hex_resp_decimal_receipt,
    "padded": _padded,
}
ID_FORMATS = tuple(_MAKERS)


def id_maker(id_format: str) -> Callable[[int], tuple[str, str]]:
    """The function that turns a number into (id in the response, id in the receipt)."""
    return _MAKERS[id_format]
