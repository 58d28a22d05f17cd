"""The back office of the simulated service: every script but send.php, status.php and balance.php."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.simulator.smsc_http import info
from gateway.simulator.smsc_http.blacklist import Blacklist
from gateway.simulator.smsc_http.contacts import Contacts
from gateway.simulator.smsc_http.documents import Documents
from gateway.simulator.smsc_http.downloads import Downloads
from gateway.simulator.smsc_http.imgcode import ImgCodes
from gateway.simulator.smsc_http.jobs import Jobs
from gateway.simulator.smsc_http.model import Handler, Outbox, SimAccount
from gateway.simulator.smsc_http.op_templates import OperatorTemplates
from gateway.simulator.smsc_http.ping import Ping
from gateway.simulator.smsc_http.receive_phones import ReceivePhones
from gateway.simulator.smsc_http.records import Records
from gateway.simulator.smsc_http.senders import Senders
from gateway.simulator.smsc_http.templates import Templates
from gateway.simulator.smsc_http.tinyurls import TinyUrls
from gateway.simulator.smsc_http.uploads import FileHandler
from gateway.simulator.smsc_http.users import Users
from gateway.simulator.smsc_http.wait_call import WaitCall


class Office:
    """All of it, for one account. It is the Desk of the sending side."""

    HANDLERS: Mapping[str, Handler]
    """By the names of protocols.smsc_http.operations."""
    FILE_HANDLERS: Mapping[str, FileHandler]
    """Of these the same operations with the files of the request."""

    def __init__(self, account: SimAccount, outbox: Outbox) -> None:
        self.contacts = Contacts()
        self.blacklist = Blacklist()
        self.templates = Templates()
        self.users = Users(account)
        self.senders = Senders(account, outbox, self._login_of)
        self.tinyurls = TinyUrls(account)
        self.receive_phones = ReceivePhones(account)
        self.wait_call = WaitCall(account, outbox, lambda phone: self.is_black(phone, mass=False))
        self.downloads = Downloads(account, outbox)
        self.imgcodes = ImgCodes(account.login)
        parts = (
            *(self.contacts, self.blacklist, self.templates, self.users, self.senders, self.tinyurls),
            *(self.receive_phones, self.wait_call, self.downloads, self.imgcodes),
            Jobs(account, outbox, self.templates.text_of),
            Documents(account, self.users),
            OperatorTemplates(self.senders.is_allowed),
            Records(account, outbox),
            Ping(outbox),
        )
        self.HANDLERS = {
            name: handler for part in parts for name, handler in part.handlers().items()
        } | info.handlers()
        self.FILE_HANDLERS = {"sender_add": self.senders.add, "sender_chg": self.senders.change}

    def group_phones(self, number: str) -> Sequence[str] | None:
        """The recipients in the contact group with this sending number; None: no such group."""
        return self.contacts.group_entries(number)

    def is_black(self, phone: str, *, mass: bool) -> bool:
        """Whether the blacklist forbids a message to this recipient."""
        return self.blacklist.forbids(phone, mass=mass)

    def shorten(self, link: str, now: float) -> str:
        """The short link that stands for this one."""
        return self.tinyurls.shorten(link, now)

    def clicked(self, link: str, now: float) -> None:
        """A subscriber opened the short link."""
        self.tinyurls.clicked(link, now)

    def captcha_is(self, ip: str, code: str) -> bool:
        """Whether this is the code of the last picture shown to this address; it is good for one try."""
        return self.imgcodes.is_code(ip, code)

    def _login_of(self, user: str) -> str | None:
        found = self.users.find(user)
        return found.login if found else None
