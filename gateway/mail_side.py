"""Mail's part of the daemon: what exists when mail is configured, how it starts, reloads and stops."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.config.mail_model import Mail
from gateway.config.model import Config
from gateway.core.batch import Answer, Batch
from gateway.ingress.mail_intake import MailIntake
from gateway.ingress.mail_reader import MailReader
from gateway.ingress.smtp_data import Room
from gateway.ingress.smtp_listener import LmtpListener, MailListener, SmtpListener

if TYPE_CHECKING:
    from gateway.daemon import Daemon
    from gateway.egress.mail import Postman

STOP_TIMEOUT_S = 5.0


class MailSide:
    """The listeners, the intake behind them, and the postman for what goes back."""

    def __init__(self, daemon: Daemon, mail: Mail) -> None:
        self._daemon = daemon
        self.reader = MailReader(events=daemon.events, clock=daemon.clock)
        self.intake = MailIntake(
            mail,
            accounts=daemon.accounts,
            submission=daemon.submission,
            journal=daemon.journal,
            reader=self.reader,
            logins=daemon.logins,
            events=daemon.events,
            clock=daemon.clock,
        )
        self.postman: Postman | None = None
        self.listeners: list[MailListener] = []

    async def start(self, config: Config) -> None:
        """Starts what is configured; DaemonError when a listener cannot have its address."""
        self._use_smarthost(self.intake.mail)
        daemon = self._daemon
        parts: dict[str, Any] = {
            "hostname": self.intake.mail.domains[0],
            "accounts": daemon.accounts,
            "intake": self.intake,
            "events": daemon.events,
            "clock": daemon.clock,
            "room": Room(),
        }
        self.listeners = [
            *(SmtpListener(section, logins=daemon.logins, **parts) for section in config.listeners.smtp),
            *(LmtpListener(section, **parts) for section in config.listeners.lmtp),
        ]
        for listener in self.listeners:
            await daemon.start_listener(listener, listener.protocol, listener.address)

    def _use_smarthost(self, mail: Mail) -> None:
        daemon = self._daemon
        if mail.smarthost is None:
            return
        if self.postman is None:
            from gateway.egress.mail import Postman  # a gateway without a smarthost needs none of it

            self.postman = Postman(
                mail.smarthost,
                mail,
                journal=daemon.journal,
                events=daemon.events,
                clock=daemon.clock,
                random=daemon.random,
                services=frozenset(name for name, it in daemon.upstreams.items() if it.service),
            )
            self.postman.guard = daemon.watch
            self.postman.rests = daemon.is_drained
            tasks = self.postman.start()
        else:
            tasks = self.postman.configure(mail.smarthost, mail)
        for task in tasks:
            task.add_done_callback(daemon.task_ended)

    def store_says(self, batch: Batch, answer: Answer) -> None:
        """What a commit tells before its callbacks run."""
        if answer.repeated:
            self.intake.store_says(answer.repeated)
        for rows, next_due_ms in answer.letters:
            if self.postman is not None:
                self.postman.claimed(rows, next_due_ms)
        if answer.letters_waiting and self.postman is not None:
            self.postman.wake()

    def tick(self, now: float, now_ms: int) -> None:
        if self.postman is not None:
            self.postman.tick(now, now_ms)

    def reload(self, mail: Mail) -> None:
        """Takes over a changed configuration; listeners stay as they are."""
        self.intake.configure(mail)
        for listener in self.listeners:
            listener.reloaded()
        self._use_smarthost(mail)

    def stop_listening(self) -> None:
        for listener in self.listeners:
            listener.stop_listening()

    async def stop(self) -> None:
        """Answers the mails that are being taken, then ends the postman and the reader."""
        await self._daemon.until(
            lambda: not any(listener.under_way for listener in self.listeners), STOP_TIMEOUT_S
        )
        for listener in self.listeners:
            listener.close()
        if self.postman is not None:
            await self.postman.stop(STOP_TIMEOUT_S)
        await self.reader.stop()
