"""From a mail to messages: who may write to whom, what the SMS says, one commit, one answer.

A mail is taken as a whole over SMTP and for each recipient alone over LMTP; such a *unit* gets one queue id.
Its messages, its row and its recipients' rows are in one batch, and "250" goes out when that is committed.
A unit that came before (same account, sender, Message-ID, recipients and body within a day) is answered with
the queue id it got then, and nothing is sent again: its sender lost our answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from ipaddress import ip_address
from typing import NamedTuple, Protocol

from gateway.config.mail_model import AccountMail, Mail
from gateway.core.accounts import Account
from gateway.core.api_keys import ApiKeys
from gateway.core.batch import Journal
from gateway.core.clock import Clock
from gateway.core.errors import Refusal
from gateway.core.events import Events
from gateway.core.logins import Logins
from gateway.core.model import Draft, Message, Notify, Origin
from gateway.core.pairs import PairLimits
from gateway.core.sent_as import as_sent
from gateway.core.submission import Submission
from gateway.ingress import mail_policy as policy
from gateway.ingress.mail_policy import Recipient
from gateway.translate import mail_service
from gateway.translate.mail_submit import (
    draft_of,
    error_of,
    notify_of,
    opening_ms,
    own_number_of,
    recipient_of,
    style_of,
)
from protocols.mail.dsn import HEADER_MAX, WHOLE_MAX
from protocols.mail.envelope import MailFrom
from protocols.mail.errors import MailError
from protocols.mail.fitting import Fitted, fit
from protocols.mail.message import Reading, Style


class Reader(Protocol):
    """Reads mails outside of the event loop."""

    async def read(self, raw: bytes, style: Style) -> Reading:
        """What the mail says; MailError when it cannot be read."""
        ...


class Unit(NamedTuple):
    """What is taken together, and answered together."""

    recipients: Sequence[Recipient]
    drafts: Sequence[tuple[Recipient, Draft, int]]
    """Each SMS with the recipient whose wish it is, and its Notify."""


class Sms(NamedTuple):
    """What one recipient gets; the same again is no second SMS."""

    number: str
    source: str
    limits: tuple[int, int]
    """Segments, characters."""


class MailIntake:
    """All mail listeners' way to the queue."""

    def __init__(
        self,
        mail: Mail,
        *,
        accounts: Mapping[str, Account],
        submission: Submission,
        journal: Journal,
        reader: Reader,
        logins: Logins,
        events: Events,
        clock: Clock,
    ) -> None:
        self.accounts = accounts
        self.submission = submission
        self.journal = journal
        self.logins = logins
        self.clock = clock
        self.taken = 0
        self.refused = 0
        self.repeated = 0
        self._reader = reader
        self._events = events
        self._earlier: dict[int, int] = {}
        self.pairs = PairLimits(mail.max_per_pair_h)
        self.configure(mail)

    def configure(self, mail: Mail) -> None:
        """Takes over a changed configuration, of mail or of accounts."""
        self.mail = mail
        self.max_size = mail.max_size
        self.max_recipients = mail.max_recipients
        self.directory = policy.Directory(mail, self.accounts)
        self.pairs.per_hour = mail.max_per_pair_h
        self._api_keys = ApiKeys(self.accounts)
        self._styles: dict[tuple[str, bool], Style] = {}

    # -- the envelope ----------------------------------------------------------------------------------

    def account_of(self, peer: str) -> Account | None:
        """The account whose networks hold this address; None: nobody's.  A Unix socket's peer has none."""
        return self.directory.account_of(ip_address(peer)) if peer else None

    def check_sender(self, account: Account | None, sender: MailFrom) -> None:
        """Whether mail can be taken now, and from this sender; raises MailError."""
        self._check_open()
        if account is not None:
            policy.check_sender(account, sender.address)

    def check_recipient(self, account: Account | None, rcpt: policy.RcptTo) -> Recipient:
        """What a recipient means; raises MailError."""
        recipient = self.directory.find(account, rcpt)
        for number in recipient.numbers:
            if not self.submission.router.may_reach(number):
                raise error_of(Refusal.NO_ROUTE)
            rules = account.rules if account is not None else None
            refusal = rules.forbids(number) if rules is not None else None
            if refusal is not None:
                raise error_of(refusal)
        return recipient

    def _check_open(self) -> None:
        if self.submission.closed_because is not None:
            raise error_of(self.submission.closed_because)
        if self.journal.error:
            raise error_of(Refusal.STORE)
        if self.submission.open_messages >= self.submission.max_messages:
            raise error_of(Refusal.QUEUE_FULL)

    # -- the mail --------------------------------------------------------------------------------------

    async def take(
        self,
        account: Account | None,
        peer: str,
        sender: MailFrom,
        recipients: Sequence[Recipient],
        raw: bytes,
        *,
        each: bool,
    ) -> list[str]:
        """Takes a mail; the reply, or with `each` one reply for each recipient."""
        groups = [[recipient] for recipient in recipients] if each else [recipients]
        is_form = any(recipient.service for recipient in recipients)
        if is_form and each and len(recipients) > 1:
            return [(await self.take(account, peer, sender, group, raw, each=False))[0] for group in groups]
        try:
            if is_form:
                if len(recipients) > 1:
                    raise MailError("554 5.5.0", "the service's form takes one recipient")
                return [await self._take_service_form(peer, sender, recipients[0], raw)]
            if account is None:  # a reload took it away since RCPT
                raise MailError("451 4.7.0", "the account was changed, send the mail again")
            mail = policy.mail_of(account)
            readings = {
                seeks: await self._read(account, mail, sender, raw, seeks)
                for seeks in set(map(_seeks, groups))
            }
        except MailError as error:
            return [self._refusal(account, peer, error)] * len(groups)
        replies: list[str | asyncio.Future[str]] = []
        for group in groups:
            try:
                replies.append(
                    self._take_unit(account, mail, peer, sender, group, readings[_seeks(group)], raw)
                )
            except MailError as error:
                replies.append(self._refusal(account, peer, error))
        return [reply if isinstance(reply, str) else await reply for reply in replies]

    async def _read(
        self, account: Account, mail: AccountMail, sender: MailFrom, raw: bytes, seeks_numbers: bool
    ) -> Reading:
        style = self._styles.get((account.name, seeks_numbers))
        if style is None:
            style = style_of(mail, seeks_numbers=seeks_numbers)
            self._styles[account.name, seeks_numbers] = style
        reading = await self._reader.read(raw, style)
        self._check_open()  # it may have changed while the mail was read
        policy.check_loops(reading, self.mail.domains)
        policy.check_authors(account, reading)
        return reading

    def _take_unit(
        self,
        account: Account,
        mail: AccountMail,
        peer: str,
        sender: MailFrom,
        recipients: Sequence[Recipient],
        reading: Reading,
        raw: bytes,
    ) -> str | asyncio.Future[str]:
        if not reading.text:
            if mail.empty == "reject":
                raise MailError("554 5.6.0", "the mail has no text that could be sent")
            self._events.say("info", "mail_discarded", account=account.name, reason="no text")
            return "250 2.0.0 nothing to send: the mail has no text"
        now_ms = self.clock.now_ms()
        due_ms = opening_ms(mail.hours, mail.time_zone, now_ms)
        may_answer = self._may_answer(sender, reading)
        wanted = self._wanted(account, mail, recipients, reading, may_answer=may_answer)
        fitted = {limits: _fit(reading.text, mail, limits) for limits in {sms.limits for sms in wanted}}
        drafts = [
            (
                recipient,
                draft_of(
                    fitted[sms.limits],
                    sms.number,
                    sms.source,
                    notify=notify,
                    priority=reading.priority,
                    due_ms=due_ms,
                ),
                notify.value,
            )
            for sms, (recipient, notify) in wanted.items()
        ]
        return self._record(account, peer, sender, Unit(recipients, drafts), reading, raw)

    def _wanted(
        self,
        account: Account,
        mail: AccountMail,
        recipients: Sequence[Recipient],
        reading: Reading,
        *,
        may_answer: bool,
    ) -> dict[Sms, tuple[Recipient, Notify]]:
        """The SMS to send, each with the recipient that it is for and the reports that are wanted.

        A number that is there twice, by itself and in a group perhaps, gets one SMS.
        """
        wanted: dict[Sms, tuple[Recipient, Notify]] = {}
        for recipient in recipients:
            limits = policy.limits_of(recipient.wish, mail, account.config.max_segments)
            notify = notify_of(recipient.rcpt.notify, mail.report, may_answer=may_answer)
            source = account.config.forced_source or recipient.wish.source or policy.source_of(account)
            for number in self._numbers(account, recipient, reading):
                sms = Sms(number, source, limits)
                first, asked = wanted.get(sms, (recipient, Notify(0)))
                wanted[sms] = first, asked | notify
        return wanted

    def _may_answer(self, sender: MailFrom, reading: Reading) -> bool:
        """Whether reports can be written, and may: not to programs, which would answer them."""
        return bool(sender.address) and not reading.automatic and self.mail.smarthost is not None

    def _numbers(self, account: Account, recipient: Recipient, reading: Reading) -> Iterable[str]:
        if recipient.numbers:
            return recipient.numbers
        numbers = self.directory.find_numbers(account, reading.number_source)
        numbers = numbers or list(self.directory.fixed(account))
        if not numbers:
            raise MailError("550 5.1.3", "the mail names no number that SMS can be sent to")
        return dict.fromkeys(numbers)

    # -- the queue -------------------------------------------------------------------------------------

    def _record(
        self,
        account: Account,
        peer: str,
        sender: MailFrom,
        unit: Unit,
        reading: Reading,
        raw: bytes,
        client_id: str = "",
    ) -> asyncio.Future[str]:
        if self.accounts.get(account.name) is not account:  # while the mail was read, or its login looked at
            raise MailError("451 4.7.0", "the account was changed, send the mail again")
        now, now_ms = self.clock.now(), self.clock.now_ms()
        # Before anything is accepted, so that no fault in here can leave messages without their mail.
        key = _key(account, sender, unit, reading, raw)
        returned, whole = _returned(sender, reading, raw) if any(u[2] for u in unit.drafts) else (b"", 0)
        who = sender.address or next(iter(reading.author_addresses), "")
        self._check_pairs(who, unit, now)
        drafts = [draft._replace(client_id=client_id, address=peer) for _, draft, _ in unit.drafts]
        messages = self.submission.accept_all(account, drafts, now, now_ms, Origin.MAIL)
        if isinstance(messages, Refusal):
            raise error_of(messages)
        mail_id = self.submission.ids.next(now_ms)
        batch = self.journal.batch
        batch.mails.append(
            (
                mail_id,
                key,
                account.name,
                now_ms,
                sender.address,
                sender.envid,
                reading.header_id,
                reading.subject,
                client_id,
                returned,
                whole,
            )
        )
        for message, (recipient, _, notify) in zip(messages, unit.drafts, strict=True):
            number = recipient_of(message)
            self.pairs.met(who, number, now)
            address, orcpt = recipient.rcpt.address, recipient.rcpt.orcpt
            # not the draft's: the account or the route may have another sender for it
            own = own_number_of(as_sent(message) if message.sent_as else message)
            batch.mail_recipients.append((message.message_id, mail_id, address, orcpt, notify, number, own))
        self.submission.flush()
        reply: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.journal.then(lambda ok: self._committed(reply, account, who, mail_id, messages, ok))
        return reply

    def _check_pairs(self, who: str, unit: Unit, now: float) -> None:
        if who and any(self.pairs.full(who, recipient_of(draft), now) for _, draft, _ in unit.drafts):
            raise MailError(
                "450 4.7.1", f"over {self.pairs.per_hour} SMS in an hour from this sender to one number"
            )

    def store_says(self, repeated: Iterable[tuple[int, int]]) -> None:
        """Mails of the batch just committed that had come before, with the queue ids they got then."""
        self._earlier = dict(repeated)

    def _committed(
        self,
        reply: asyncio.Future[str],
        account: Account,
        who: str,
        mail_id: int,
        messages: list[Message],
        ok: bool,
    ) -> None:
        earlier = self._earlier.get(mail_id)
        late = self.submission.refused_late.get(messages[0].message_id) if ok else Refusal.STORE
        if late is not None or earlier is not None:
            for message in messages:
                self.pairs.parted(who, recipient_of(message))
        if late is not None:
            text = str(error_of(late))
        elif earlier is not None:
            self.repeated += 1
            text = f"250 2.0.0 queued as {earlier}"
        else:
            self.taken += 1
            text = f"250 2.0.0 queued as {mail_id}"
            if self._events.messages:
                self._events.mail_taken(mail_id, account.name, messages, self.clock.now_ms())
        if not reply.done():  # the client may be gone: then it is a mail that will come again
            reply.set_result(text)

    def _refusal(self, account: Account | None, peer: str, error: MailError) -> str:
        self.refused += 1
        name = account.name if account else "-"
        self._events.seldom(
            "warning", "mail_refused", self.clock.now(), account=name, peer=peer or "-", reason=str(error)
        )
        return str(error)

    # -- the service's own form ------------------------------------------------------------------------

    async def _take_service_form(self, peer: str, sender: MailFrom, recipient: Recipient, raw: bytes) -> str:
        reading = await self._reader.read(raw, mail_service.STYLE)
        policy.check_loops(reading, self.mail.domains)
        form = mail_service.parse(reading.text)
        account = await policy.login(form, peer, self.accounts, self.logins, self._api_keys)
        self._check_open()
        policy.check_sender(account, sender.address)
        policy.check_authors(account, reading)
        mail = policy.mail_of(account)
        notify = notify_of(
            recipient.rcpt.notify,
            mail.report,
            may_answer=self._may_answer(sender, reading),
        )
        drafts = mail_service.drafts_of(
            form,
            resolve=lambda phone: self.directory.resolve(account, phone),
            source=policy.source_of(account),
            max_segments=min(mail.max_segments, account.config.max_segments),
            max_numbers=self.max_recipients,
            notify=notify,
            now_ms=self.clock.now_ms(),
            about=mail_service.About(
                may_service=account.config.service_messages and self.submission.router.has_service,
                author=next(iter(reading.author_addresses), sender.address),
                subject=reading.subject,
                charset=reading.charset,
            ),
        )
        if form.test:
            return f"250 2.0.0 test passed, nothing sent: {len(drafts)} SMS"
        unit = Unit((recipient,), [(recipient, draft, notify.value) for draft in drafts])
        # A password is in its body, so the body is neither kept nor given back, whatever RET asks for.
        head = sender._replace(ret="HDRS")
        return await self._record(account, peer, head, unit, reading, raw, form.client_id)


def _fit(text: str, mail: AccountMail, limits: tuple[int, int]) -> Fitted:
    return fit(
        text,
        transliterate=mail.transliterate,
        max_segments=limits[0],
        max_characters=limits[1],
        cut=mail.over_limit == "cut",
    )


def _seeks(recipients: Iterable[Recipient]) -> bool:
    """Whether the mail itself has to say to one of them which numbers it goes to."""
    return any(not recipient.numbers for recipient in recipients)


def _returned(sender: MailFrom, reading: Reading, raw: bytes) -> tuple[bytes, int]:
    """What a report gives back of the mail: its header, or all of it if that was asked for (RET=FULL)."""
    if sender.ret == "FULL" and len(raw) <= WHOLE_MAX:
        return raw, 1
    return raw[: min(reading.header_length, HEADER_MAX)], 0


def _key(account: Account, sender: MailFrom, unit: Unit, reading: Reading, raw: bytes) -> bytes | None:
    """What a repeated mail has in common with the first; None: it has no Message-ID to be known by."""
    if not reading.header_id:
        return None
    addresses = sorted(recipient.rcpt.address for recipient in unit.recipients)
    text = "\0".join((account.name, sender.address, reading.header_id, *addresses))
    key = blake2b(text.encode("utf-8", "surrogateescape"), digest_size=16)
    key.update(raw[reading.header_length :])
    return key.digest()
