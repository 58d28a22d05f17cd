"""What a mail's sender is told."""

from __future__ import annotations


class MailError(Exception):
    """A command or a mail that is refused.

    `code` is the reply code with the enhanced one, "550 5.1.1" (RFC 5321 §4.2, RFC 3463); `text` is one line.
    """

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code} {text}")
        self.code = code
        self.text = text
