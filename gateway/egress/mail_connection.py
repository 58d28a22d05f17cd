"""One connection to the smarthost: TLS as configured, login, one letter after the other."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl

from aiosmtplib import SMTP, SMTPAuthenticationError, SMTPException, SMTPResponseException, SMTPTimeoutError

from gateway.config.mail_model import Smarthost
from gateway.core.errors import system_reason
from gateway.core.events import safe
from gateway.egress.tls import client_context
from gateway.translate.mail_letter import OutgoingMail

QUIT_TIMEOUT_S = 5.0
_CLOSING = 421
_TOO_LARGE = 552
_LOGIN_FIRST = 530

_FIX_LOGIN = "correct username and password of mail.smarthost, then reload"
_FIX_NO_LOGIN = "let the smarthost offer AUTH to us, or remove username from mail.smarthost"
_FIX_TLS = "mend TLS at the smarthost, or correct tls and certificates of mail.smarthost, then reload"
_FIX_REFUSED = "let the smarthost take mail from this machine, also with the sender <>"
_FIX_FILES = "correct certificates of mail.smarthost, then reload"


class Unreachable(Exception):
    """Nothing gets through, whatever the letter is.

    `fix` says what somebody has to do; "": it may pass by itself. `stale`: the connection had been kept, and
    its end may mean no more than that. `in_letter`: it came in the middle of this letter.
    """

    def __init__(self, reason: str, fix: str = "", *, stale: bool = False, in_letter: bool = False) -> None:
        super().__init__(reason)
        self.reason = safe(reason)
        self.fix = fix
        self.stale = stale
        self.in_letter = in_letter


class Failure(Exception):
    """The smarthost does not take this letter: now, or `for_good`."""

    def __init__(self, reason: str, *, for_good: bool) -> None:
        super().__init__(reason)
        self.reason = safe(reason)
        self.for_good = for_good


class MailConnection:
    """A connection that is opened when it is needed; `hostname` is our name in EHLO."""

    def __init__(self, smarthost: Smarthost, hostname: str) -> None:
        self.smarthost = smarthost
        self._hostname = hostname
        self._smtp: SMTP | None = None
        self._tls: ssl.SSLContext | None = None
        self._taken = 0  # letters that went over it since it was opened

    @property
    def is_open(self) -> bool:
        return self._smtp is not None and self._smtp.is_connected

    @property
    def is_private(self) -> bool:
        """Whether it is in TLS."""
        return self._smtp is not None and self._smtp.get_transport_info("sslcontext") is not None

    @property
    def eight_bit(self) -> bool:
        """Whether the smarthost takes 8-bit lines (RFC 6152)."""
        return self._smtp is not None and self._smtp.supports_extension("8bitmime")

    @property
    def max_size(self) -> int:
        """Octets of a mail that the smarthost takes (RFC 1870); 0: it does not say."""
        size = self._smtp.esmtp_extensions.get("size", "") if self._smtp is not None else ""
        return int(size) if size.isascii() and size.isdecimal() else 0

    # -- open and close --------------------------------------------------------------------------------

    async def open(self) -> None:
        """Connects, with TLS and login as configured; raises Unreachable."""
        self.abort()
        self._taken = 0
        try:
            await self._connect()
        except Unreachable:
            self.abort()
            raise
        except SMTPAuthenticationError as error:
            self.abort()
            raise Unreachable(_reason(error), _FIX_LOGIN if error.code >= 500 else "") from None
        except SMTPResponseException as error:
            self.abort()
            raise Unreachable(_reason(error), _FIX_REFUSED if error.code >= 500 else "") from None
        except (SMTPException, OSError, ValueError) as error:
            self.abort()
            is_tls = isinstance(error, ssl.SSLError) or isinstance(error.__cause__, ssl.SSLError)
            raise Unreachable(_reason(error), _FIX_TLS if is_tls else "") from None

    async def _connect(self) -> None:
        smarthost = self.smarthost
        host, port = smarthost.address
        name = (smarthost.certificates.server_name if smarthost.certificates else None) or host
        if smarthost.tls != "none" and self._tls is None:
            try:
                self._tls = _tls_context(smarthost)
            except OSError as error:
                raise Unreachable(f"our certificates: {_reason(error)}", _FIX_FILES) from None
        is_implicit = smarthost.tls == "implicit"
        # aiosmtplib takes another name than the host's only together with a socket.
        ours = await _socket_to(smarthost) if is_implicit and name != host else None
        smtp = SMTP(
            hostname=name if ours else host,
            port=None if ours else port,
            sock=ours,
            use_tls=is_implicit,
            start_tls=False,
            tls_context=self._tls,
            local_hostname=self._hostname,
            timeout=smarthost.timeout_s,
        )
        self._smtp = smtp
        await smtp.connect()
        await smtp.ehlo()
        if smarthost.tls in ("required", "opportunistic"):
            if smtp.supports_extension("starttls"):
                await smtp.starttls(server_hostname=name)
                await smtp.ehlo()
            elif smarthost.tls == "required":
                raise Unreachable("it does not offer STARTTLS, which mail.smarthost.tls demands", _FIX_TLS)
        if smarthost.username:
            await self._login(smtp)

    async def _login(self, smtp: SMTP) -> None:
        smarthost = self.smarthost
        is_private = smtp.get_transport_info("sslcontext") is not None or smarthost.address.is_loopback
        if not is_private:
            raise Unreachable("it does not offer STARTTLS, and a password is not sent without TLS", _FIX_TLS)
        if not smtp.supported_auth_methods:
            raise Unreachable("it offers no AUTH that we know", _FIX_NO_LOGIN)
        password = smarthost.password.reveal() if smarthost.password is not None else ""
        await smtp.login(smarthost.username, password)

    async def close(self) -> None:
        """Ends the connection in good order."""
        if self._smtp is not None and self.is_open:
            with contextlib.suppress(SMTPException, OSError):
                await self._smtp.quit(timeout=QUIT_TIMEOUT_S)
        self.abort()

    def abort(self) -> None:
        """Ends the connection at once."""
        if self._smtp is not None:
            self._smtp.close()
            self._smtp = None

    # -- a letter --------------------------------------------------------------------------------------

    async def send(self, mail: OutgoingMail) -> None:
        """Returns when the smarthost has taken the mail; raises Failure or Unreachable."""
        smtp = self._smtp
        if smtp is None:
            raise Unreachable("the connection is closed", stale=True)
        options = self._mail_options(smtp, mail)
        step = "MAIL"
        try:
            await smtp.mail("", options=options)
            step = "RCPT"
            await smtp.rcpt(mail.recipient, encoding="utf-8" if mail.needs_utf8 else "ascii")
            step = "DATA"
            await smtp.data(mail.data)
        except SMTPResponseException as error:
            problem = self._judge(step, error, needs=mail.needs_8bit)
            if isinstance(problem, Failure):
                await self._reset(smtp)
            raise problem from None
        except ValueError as error:
            await self._reset(smtp)
            raise Failure(f"it cannot be sent: {error}", for_good=True) from None
        except (SMTPException, OSError) as error:
            # What was lost behind DATA may have been taken; what was lost before was not.
            stale = self._taken > 0 and step != "DATA" and not isinstance(error, TimeoutError)
            raise Unreachable(_reason(error), stale=stale, in_letter=step != "MAIL") from None
        self._taken += 1

    async def try_sender(self) -> None:
        """Asks whether it takes mail with our empty sender, and sends none; raises Unreachable."""
        smtp = self._smtp
        if smtp is None:
            raise Unreachable("the connection is closed")
        try:
            await smtp.mail("")
            await smtp.rset()
        except SMTPResponseException as error:
            raise Unreachable(_reason(error), _FIX_REFUSED if error.code >= 500 else "") from None
        except (SMTPException, OSError) as error:
            raise Unreachable(_reason(error)) from None

    def _mail_options(self, smtp: SMTP, mail: OutgoingMail) -> list[str]:
        """The parameters of MAIL; raises Failure when the smarthost does not know one that is needed."""
        options = []
        if mail.needs_utf8:
            if not (smtp.supports_extension("smtputf8") and self.eight_bit):
                reason = "the address is outside ASCII, and the smarthost does not offer SMTPUTF8"
                raise Failure(reason, for_good=True)
            options.append("SMTPUTF8")
        if mail.needs_8bit:
            options.append("BODY=8BITMIME")
        if smtp.supports_extension("size"):
            options.append(f"SIZE={len(mail.data)}")
        return options

    def _judge(self, step: str, error: SMTPResponseException, *, needs: bool) -> Failure | Unreachable:
        """Whose fault it is: MAIL says nothing of a letter but its size, and what it needs."""
        reason, code = _reason(error), error.code
        if code == _CLOSING or not 400 <= code < 600:
            return Unreachable(reason, stale=self._taken > 0 and step != "DATA", in_letter=step != "MAIL")
        if code == _LOGIN_FIRST or (step == "MAIL" and code != _TOO_LARGE and not needs):
            return Unreachable(reason, _FIX_REFUSED if code >= 500 else "")
        return Failure(reason, for_good=code >= 500)

    async def _reset(self, smtp: SMTP) -> None:
        """Makes the connection ready for the next letter, or ends it."""
        try:
            await smtp.rset()
        except (SMTPException, OSError):
            self.abort()


def _reason(error: Exception) -> str:
    """What went wrong, in one line; an answer of the smarthost as it came."""
    if isinstance(error, SMTPResponseException):
        text = f"{error.code} {error.message}"
        return " ".join(text.encode("utf-8", "replace").decode("utf-8").split())
    cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate is not valid: {cause.verify_message}"
    if isinstance(cause, TimeoutError | SMTPTimeoutError):
        return "it did not answer in time"
    if isinstance(cause, OSError) and not isinstance(cause, SMTPException | ssl.SSLError):
        return system_reason(cause) or "the connection was lost"
    return " ".join(str(cause).split()) or type(cause).__name__


def _tls_context(smarthost: Smarthost) -> ssl.SSLContext:
    context = client_context(smarthost.certificates)
    if smarthost.tls == "opportunistic":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


async def _socket_to(smarthost: Smarthost) -> socket.socket:
    """A connected socket, for a server whose certificate has another name than its address."""
    return await asyncio.wait_for(_first_socket(*smarthost.address), smarthost.timeout_s)


async def _first_socket(host: str, port: int) -> socket.socket:
    loop = asyncio.get_running_loop()
    trouble: OSError = ConnectionError("its name has no address")
    for family, kind, protocol, _, peer in await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        found = socket.socket(family, kind, protocol)
        try:
            found.setblocking(False)
            await loop.sock_connect(found, peer)
        except OSError as error:
            found.close()
            trouble = error
        except BaseException:
            found.close()
            raise
        else:
            return found
    raise trouble
