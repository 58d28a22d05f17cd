"""Who may write by mail, to whom, and what ends a loop.  Refusals are MailErrors with the reply to give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple

from gateway.config.mail_model import AccountMail, Mail
from gateway.core import numbers
from gateway.core.accounts import Account
from gateway.core.api_keys import ApiKeys
from gateway.core.logins import Logins
from protocols.mail.addresses import parse_address
from protocols.mail.envelope import RcptTo as RcptTo
from protocols.mail.errors import MailError
from protocols.mail.message import Reading
from protocols.mail.recipients import CountryRule, Wish, find_numbers, international, parse_local
from protocols.mail.service_form import ServiceMail

MAX_HOPS = 50
_NO_WISH = Wish(numbers=(), name="", source="", max_segments=0, max_characters=0)


class Recipient(NamedTuple):
    """What one RCPT TO means."""

    rcpt: RcptTo
    wish: Wish
    numbers: tuple[str, ...]
    """Whom it goes to; empty: the account's own recipients, or the numbers in the mail."""
    group: str
    service: bool
    """The mail is in the service's own form and says itself whom it goes to."""


def mail_of(account: Account) -> AccountMail:
    """The account's mail section; raises MailError when it has none, or is blocked."""
    if account.config.mail is None or account.blocked:
        raise MailError("550 5.7.1", "this account may not send mail")
    return account.config.mail


def source_of(account: Account) -> str:
    """The SMS sender of an account's mails, when they name none; "" leaves it to the SMSC."""
    mail, config = mail_of(account), account.config
    named = config.forced_source or mail.source or config.default_source
    return named or next(iter(config.allowed_sources), "")


def limits_of(wish: Wish, mail: AccountMail, max_segments: int) -> tuple[int, int]:
    """Segments and characters (0: any) of an SMS: the lowest of what everybody allows."""
    segments = min(wish.max_segments or max_segments, mail.max_segments, max_segments)
    characters = [limit for limit in (wish.max_characters, mail.max_characters) if limit]
    return segments, min(characters, default=0)


def check_sender(account: Account, address: str) -> None:
    """Whether the account may use this envelope sender; the null sender is nobody's."""
    senders = mail_of(account).senders
    if address and senders and not _is_one_of(address, senders):
        raise MailError("553 5.7.1", "this sender is not among those of your account (mail.senders)")


def check_authors(account: Account, reading: Reading) -> None:
    """The same for From and Sender in the header."""
    senders = mail_of(account).senders
    if not senders:
        return
    if not reading.author_addresses:
        raise MailError("550 5.7.1", "From has no address that can be read, and your account needs one")
    for address in reading.author_addresses:
        if not _is_one_of(address, senders):
            raise MailError("550 5.7.1", "From is not among the senders of your account (mail.senders)")


def _is_one_of(address: str, senders: Sequence[str]) -> bool:
    address = address.lower()
    domain = address[address.rfind("@") :]
    return any(sender.lower() in (address, domain) for sender in senders)


def check_loops(reading: Reading, domains: Sequence[str]) -> None:
    """Ends what programs send to each other; one of our `domains` is in every letter of ours."""
    if reading.hops > MAX_HOPS:
        raise MailError("554 5.4.6", f"over {MAX_HOPS} Received lines: the mail goes in circles")
    ours = tuple(f"@{domain}" for domain in domains)  # a reload may have changed which one is the first
    if any(trace.rstrip().endswith(ours) for trace in reading.traces):
        raise MailError("554 5.4.6", "this gateway wrote the mail itself")
    if reading.report:
        raise MailError("554 5.7.1", "reports on mails are not sent as SMS")
    if reading.automatic == "replied":
        raise MailError("554 5.7.1", "automatic answers are not sent as SMS")


async def login(
    form: ServiceMail,
    peer: str,
    accounts: Mapping[str, Account],
    logins: Logins,
    api_keys: ApiKeys,
) -> Account:
    """The account of a mail in the service's form; an empty login makes its password an API key."""
    wrong = MailError("535 5.7.8", "unknown login or wrong password")
    if form.login:
        account = accounts.get(form.login)
        good = await logins.verify(account, form.login, form.password, peer or "-")
        if good is None:
            raise MailError("454 4.7.0", "too many logins at once, try again later")
        if not good:
            raise wrong
    else:
        account = api_keys.find(form.password)
    if account is None:
        raise wrong
    if not mail_of(account).service_form:
        raise MailError("550 5.7.1", "this account may not use the service's form (mail.service_form)")
    if peer and not account.allows_address(peer):
        raise MailError("550 5.7.1", "your address is not in the account's allowed_addresses")
    return account


class Directory:
    """What addresses at our domains mean."""

    def __init__(self, mail: Mail, accounts: Mapping[str, Account]) -> None:
        self._rules = [CountryRule(rule.prefix, rule.length, rule.replace) for rule in mail.country_rules]
        self._mail = mail
        self._domains = frozenset(domain.lower() for domain in mail.domains)
        self._groups = {group.name.lower(): group for group in mail.groups}
        # These need no login before: where no account takes them, strangers' mails are not even read.
        self._takes_forms = any(
            account.config.mail is not None and account.config.mail.service_form
            for account in accounts.values()
        )
        self._networks = [
            (network, account)
            for account in accounts.values()
            if account.config.mail is not None
            for network in account.config.mail.networks
        ]

    def account_of(self, peer: IPv4Address | IPv6Address) -> Account | None:
        """The account whose networks hold this address."""
        for network, account in self._networks:
            if network.version == peer.version and peer in network:
                return account
        return None

    def find(self, account: Account | None, rcpt: RcptTo) -> Recipient:
        """What an address means for an account (None: nobody has logged in); raises MailError."""
        try:
            local, domain = parse_address(rcpt.address)
        except ValueError:
            raise MailError("553 5.1.3", "malformed address") from None
        if domain not in self._domains:
            raise MailError("554 5.7.1", f"relay access denied: mail here ends at {self._mail.domains[0]}")
        if self._takes_forms and local.lower() == self._mail.service_name.lower():
            return Recipient(rcpt, _NO_WISH, (), "", service=True)
        if account is None:
            raise MailError("530 5.7.0", "Authentication required: your address is in no mail.networks")
        mail = mail_of(account)
        try:
            wish = parse_local(local, self._rules, numbers.reader_of(account.config.default_region))
        except MailError as error:
            raise MailError(error.code, f"{self._rejected(rcpt)} ({error.text})") from None
        if local.startswith("/") and not mail.attributes:
            raise MailError("550 5.1.3", self._rejected(rcpt))
        allowed = account.sources
        if wish.source and allowed and wish.source not in allowed and not account.config.forced_source:
            raise MailError("550 5.7.1", "the account may not use this SMS sender")
        if wish.numbers:
            if not mail.numbers_in_address:
                raise MailError("550 5.7.1", self._rejected(rcpt))
            return Recipient(rcpt, wish, wish.numbers, "", service=False)
        return self._named(account, mail, rcpt, wish)

    def _named(self, account: Account, mail: AccountMail, rcpt: RcptTo, wish: Wish) -> Recipient:
        name = wish.name.lower()
        group = self._groups.get(name)
        if group is not None and (not group.accounts or account.name in group.accounts):
            return Recipient(
                rcpt, wish, self._international(account, group.numbers), group.name, service=False
            )
        if name == account.name.lower() and (
            mail.recipients or mail.numbers_in_subject or mail.numbers_in_body
        ):
            return Recipient(rcpt, wish, (), "", service=False)
        raise MailError("550 5.1.1", self._rejected(rcpt))

    def fixed(self, account: Account) -> tuple[str, ...]:
        """The account's own recipients."""
        return self._international(account, mail_of(account).recipients)

    def find_numbers(self, account: Account, text: str) -> list[str]:
        """The numbers of a text that the mail's reader took for such; [] if it has others."""
        if not text:
            return []
        national = numbers.reader_of(account.config.default_region)
        return find_numbers(text, self._rules, self._mail.max_recipients, national)

    def resolve(self, account: Account, phone: str) -> tuple[str, ...]:
        """The numbers of a phone in the service's form: a number, or G and the name of a group."""
        if phone[:1] in "Gg":
            group = self._groups.get(phone.lower()) or self._groups.get(phone[1:].lower())
            if group is not None and (not group.accounts or account.name in group.accounts):
                return self._international(account, group.numbers)
        number = international(phone, self._rules, numbers.reader_of(account.config.default_region))
        if number is None:
            raise MailError("550 5.1.3", "one of the phones is no number that SMS can be sent to")
        return (number,)

    def _international(self, account: Account, written: Sequence[str]) -> tuple[str, ...]:
        national = numbers.reader_of(account.config.default_region)
        found = (international(number, self._rules, national) for number in written)
        return tuple(number for number in found if number is not None)

    def _rejected(self, rcpt: RcptTo) -> str:
        return self._mail.rejected_text.replace("{address}", rcpt.address)
