"""Why a link to an SMSC could not be made."""

from __future__ import annotations

from protocols.smpp import constants as c


class LinkError(Exception):
    """A link could not be made; `status` is what the SMSC said to the bind, 0 if it said nothing."""

    def __init__(self, text: str, status: int = 0) -> None:
        super().__init__(text)
        self.status = status

    @property
    def is_login(self) -> bool:
        """Whether the SMSC refused the credentials."""
        return self.status in (c.ESME_RINVPASWD, c.ESME_RINVSYSID)
