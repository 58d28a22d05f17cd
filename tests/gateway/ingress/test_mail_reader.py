"""Our end of the process that reads mails: batches, limits, and what a worker's death costs."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from gateway_fakes import ManualClock, recorded_events

from gateway.ingress import mail_reader
from gateway.ingress.mail_reader import MailReader
from protocols.mail.errors import MailError
from protocols.mail.message import Style

STYLE = Style("!", "", True, True, True, "", False, False, False)
Outcome = str


class Desk:
    """A reader whose worker obeys the texts of its mails; see tests/support/worker_of_mails.py."""

    def __init__(self, seen: Path) -> None:
        self.clock = ManualClock()
        self.events, self.lines = recorded_events()
        self.reader = MailReader(events=self.events, clock=self.clock, patience_s=2.0)
        self._seen = seen

    async def reads(self, text: str) -> Outcome:
        """What is read, or the code of the error."""
        try:
            return (await self.reader.read(text.encode(), STYLE)).text
        except MailError as error:
            return error.code

    async def reads_all(self, *texts: str) -> list[Outcome]:
        return await asyncio.gather(*map(self.reads, texts))

    @property
    def seen(self) -> list[str]:
        """What has come to workers, each time it did."""
        return self._seen.read_text().split()

    @property
    def pid(self) -> int:
        assert self.reader._process is not None
        return self.reader._process.pid


@pytest.fixture
def desk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Callable[[Desk], Awaitable[None]]], None]:
    """Runs an async test with a started reader."""
    support = Path(__file__).parents[2] / "support"
    root = Path(__file__).parents[3]
    monkeypatch.setattr(mail_reader, "WORKER", "worker_of_mails")
    monkeypatch.setenv("PYTHONPATH", f"{support}{os.pathsep}{root}")
    seen = tmp_path / "seen"
    seen.touch()
    monkeypatch.setenv("SMSC_TEST_SEEN", str(seen))

    def run(test: Callable[[Desk], Awaitable[None]]) -> None:
        async def bounded() -> None:
            at = Desk(seen)
            await at.reader.start()
            try:
                async with asyncio.timeout(30):
                    await test(at)
            finally:
                await at.reader.stop()

        asyncio.run(bounded())

    return run


Run = Callable[[Callable[[Desk], Awaitable[None]]], None]


def test_the_real_worker_is_started_by_the_first_mails_and_reads_them() -> None:
    async def run() -> None:
        reader = MailReader(events=recorded_events()[0], clock=ManualClock())
        style = Style("{subject}: ", "", True, True, True, "", False, False, False)
        raw = b"Subject: hi\r\nMessage-ID: <1@example.org>\r\n\r\nhello\r\n"
        assert reader._process is None
        reading, same = await asyncio.gather(reader.read(raw, style), reader.read(raw, style))
        assert reading == same
        assert (reading.text, reading.header_id) == ("hi: hello", "<1@example.org>")
        with pytest.raises(MailError) as caught:
            await reader.read(b"X: " + b"x" * 200_000 + b"\r\n\r\nhello\r\n", style)
        assert caught.value.code == "552 5.3.4"
        await reader.stop()

    asyncio.run(run())


def test_each_gets_his_own_answer(desk: Run) -> None:
    @desk
    async def run(at: Desk) -> None:
        texts = [f"text{n}" for n in range(500)]
        assert await at.reads_all(*texts) == [f"{text}!" for text in texts]
        assert await at.reads_all("a", "refuse", "b") == ["a!", "554 5.6.0", "b!"]
        assert at.seen == [*texts, "a", "refuse", "b"]


def test_no_more_are_under_way_than_allowed(desk: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    @desk
    async def run(at: Desk) -> None:
        reader = at.reader
        os.kill(at.pid, signal.SIGSTOP)
        reading = asyncio.gather(*(at.reads(f"text{n}") for n in range(100)))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert len(reader._under_way) == mail_reader.UNDER_WAY
        os.kill(at.pid, signal.SIGCONT)
        assert await reading == [f"text{n}!" for n in range(100)]
        assert (reader._octets, reader._under_way) == (0, {})

        monkeypatch.setattr(mail_reader, "OCTETS_UNDER_WAY", 2_999_999)
        os.kill(at.pid, signal.SIGSTOP)
        reading = asyncio.gather(*(at.reads("x" * 1_000_000) for _ in range(6)), at.reads("x" * 5_000_000))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert len(reader._under_way) == 2
        os.kill(at.pid, signal.SIGCONT)
        assert await reading == ["x" * 20 + "!"] * 7


def test_more_than_can_wait_come_later(desk: Run) -> None:
    @desk
    async def run(at: Desk) -> None:
        found = await at.reads_all(*(f"text{n}" for n in range(mail_reader.WAITING + 5)))
        assert found[mail_reader.WAITING :] == ["451 4.3.2"] * 5
        assert found[: mail_reader.WAITING] == [f"text{n}!" for n in range(mail_reader.WAITING)]


def test_what_waits_has_a_size_too(desk: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_reader, "OCTETS_UNDER_WAY", 100_000)
    monkeypatch.setattr(mail_reader, "OCTETS_WAITING", 500_000)

    @desk
    async def run(at: Desk) -> None:
        for _ in range(2):
            os.kill(at.pid, signal.SIGSTOP)
            reading = [asyncio.create_task(at.reads("x" * 100_000)) for _ in range(10)]
            for _ in range(3):
                await asyncio.sleep(0)
            assert len([task for task in reading if task.done()]) == 5
            os.kill(at.pid, signal.SIGKILL)  # what was under way waits again
            assert await asyncio.gather(*reading) == ["x" * 20 + "!"] * 5 + ["451 4.3.2"] * 5
            assert (at.reader._octets, at.reader._octets_waiting) == (0, 0)
        assert await at.reads("x" * 600_000) == "x" * 20 + "!"  # a large one may wait alone


def test_a_client_that_is_gone_takes_nothing_along(desk: Run) -> None:
    @desk
    async def run(at: Desk) -> None:
        os.kill(at.pid, signal.SIGSTOP)
        tasks = [asyncio.create_task(at.reads(f"text{n}")) for n in range(100)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        os.kill(at.pid, signal.SIGCONT)
        found = await asyncio.gather(*tasks, return_exceptions=True)
        assert found[1::2] == [f"text{n}!" for n in range(1, 100, 2)]
        assert all(isinstance(it, asyncio.CancelledError) for it in found[::2])
        assert len(at.seen) == mail_reader.UNDER_WAY + (100 - mail_reader.UNDER_WAY) // 2


def test_the_others_are_read_when_one_kills_the_worker(desk: Run) -> None:
    @desk
    async def run(at: Desk) -> None:
        first = at.pid
        assert await at.reads_all("a", "b", "die", "c", "d") == ["a!", "b!", "554 5.6.0", "c!", "d!"]
        assert at.pid != first
        assert at.seen == ["a", "b", "die", "a", "b", "die", "c", "d"]
        assert len([line for line in at.lines if "mail_reader_died" in line]) == 2
        assert await at.reads("e") == "e!"


def test_a_mail_that_is_alone_has_a_second_try(desk: Run) -> None:
    """Somebody else may have killed the worker."""

    @desk
    async def run(at: Desk) -> None:
        os.kill(at.pid, signal.SIGSTOP)
        reading = asyncio.create_task(at.reads("a"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        os.kill(at.pid, signal.SIGKILL)
        assert await reading == "a!"
        assert await at.reads("die") == "554 5.6.0"
        assert at.seen == ["a", "die", "die"]


def test_a_worker_that_hangs_is_killed(desk: Run) -> None:
    @desk
    async def run(at: Desk) -> None:
        assert await at.reads_all("a", "hang", "b") == ["a!", "554 5.6.0", "b!"]


def test_a_worker_that_is_busy_is_not_killed(desk: Run) -> None:
    @desk
    async def run(at: Desk) -> None:
        first = at.pid
        at.reader._patience_s = 1.5

        async def some() -> None:
            for _ in range(10):
                assert await at.reads("slow") == "slow!"

        one = asyncio.create_task(some())
        while not at.seen:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        # From here on there is always one under way: it takes 20 × 0.12 s, more than the patience.
        await asyncio.gather(one, some())
        assert at.pid == first
        assert at.seen == ["slow"] * 20


def test_after_many_deaths_mail_comes_later(desk: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_reader, "REST_S", 0.5)

    @desk
    async def run(at: Desk) -> None:
        assert await at.reads("die") == "554 5.6.0"
        assert await at.reads("die") == "554 5.6.0"
        # The fifth death: also what waits beside it comes later.
        assert await at.reads_all("die", "a") == ["451 4.3.2", "451 4.3.2"]
        assert await at.reads("b") == "451 4.3.2"
        assert "rests=True" in at.lines[-1]
        assert " error mail_reader_died" in at.lines[-1]
        assert at.reader._restarting is not None
        await at.reader._restarting
        assert await at.reads("b") == "b!"
        assert await at.reads("die") == "554 5.6.0"  # and counts from the start


def test_deaths_now_and_then_are_no_reason_to_rest(desk: Run) -> None:
    @desk
    async def run(at: Desk) -> None:
        for _ in range(5):
            assert await at.reads("die") == "554 5.6.0"
            at.clock.advance(mail_reader.REST_S)


def test_a_stop_while_mails_are_read(desk: Run) -> None:
    @desk
    async def run(at: Desk) -> None:
        reading = asyncio.create_task(at.reads_all("hang", *(f"text{n}" for n in range(100))))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        os.kill(at.pid, signal.SIGSTOP)
        await asyncio.wait_for(at.reader.stop(), 60)
        assert set(await reading) == {"451 4.3.2"}
        assert await at.reads("a") == "451 4.3.2"
        assert at.reader._process is not None
        assert at.reader._process.returncode is not None


def test_a_stop_while_the_worker_rests(desk: Run) -> None:
    @desk
    async def run(at: Desk) -> None:
        for _ in range(3):
            await at.reads("die")
        await asyncio.wait_for(at.reader.stop(), 60)
        assert at.reader._restarting is not None
        assert at.reader._restarting.cancelled()


def test_a_worker_that_cannot_be_started_is_tried_again(desk: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    start = mail_reader._start
    failures = [OSError("no memory")]

    def failing(command: list[str], descriptor: int) -> object:
        if failures:
            raise failures.pop()
        return start(command, descriptor)

    @desk
    async def run(at: Desk) -> None:
        monkeypatch.setattr(mail_reader, "_start", failing)
        assert await at.reads_all("die", "a") == ["554 5.6.0", "a!"]
        assert not failures
