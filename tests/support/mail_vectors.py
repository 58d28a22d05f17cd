"""Mails as programs write them, and the SMS that each becomes.

NAME.eml is the mail, NAME.sms the SMS (nothing: the mail has no text), NAME.style what differs from the
defaults: a field of Style or an argument of `fit`, a colon and a value of JSON.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from protocols.mail.fitting import Fitted, fit
from protocols.mail.message import Reading, Style

FOLDER = Path(__file__).parents[1] / "vectors" / "mail"
NAMES = sorted(path.stem for path in FOLDER.glob("*.eml"))

STYLE = Style(
    subject="{subject}: ",
    sender="",
    text=True,
    cut_quotes=True,
    cut_signature=True,
    empty_text="",
    numbers_in_subject=False,
    numbers_in_body=False,
    service_form=False,
)
LIMITS: dict[str, Any] = {
    "transliterate": "typography",
    "max_segments": 4,
    "max_characters": 0,
    "cut": True,
}


def raw(name: str) -> bytes:
    return (FOLDER / f"{name}.eml").read_bytes()


def expected(name: str) -> str:
    return (FOLDER / f"{name}.sms").read_text("utf-8").removesuffix("\n")


def options(name: str) -> tuple[Style, dict[str, Any]]:
    path = FOLDER / f"{name}.style"
    style, limits = STYLE, dict(LIMITS)
    for line in path.read_text("utf-8").splitlines() if path.exists() else ():
        key, _, value = line.partition(":")
        if key in limits:
            limits[key] = json.loads(value)
        else:
            style = style._replace(**{key: json.loads(value)})
    return style, limits


def fitted(reading: Reading, limits: dict[str, Any]) -> Fitted | None:
    return fit(reading.text, **limits) if reading.text else None
