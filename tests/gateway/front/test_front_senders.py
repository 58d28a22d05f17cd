"""senders.php over a real store: names, documents, codes, and a person's word."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from front_desk import FrontDesk, asked, config_of, desk_of
from gateway_fakes import NOW_MS, account_config

from gateway.admin import senders as admin_senders
from gateway.core.accounts import Account
from gateway.core.errors import Refusal
from gateway.core.sender_names import SenderNames
from gateway.front import sender_codes, senders
from gateway.front.desk import ApiProblem, Asked, Record, Unavailable, committed
from gateway.front.sender_records import decide, load
from gateway.front.user_settings import account_of
from protocols.smsc_http.rendering import render
from protocols.smsc_http.requests import File

Ask = Callable[..., Awaitable[Any]]
NUMBER = "79990000001"
HOUR_MS = 3_600_000


def run(folder: Path, test: Callable[[FrontDesk, Ask], Awaitable[None]]) -> None:
    async def whole() -> None:
        accounts = (
            account_config(allowed_sources=("Shop", "79990000009")),
            account_config(system_id="free"),
        )
        desk = desk_of(folder, config_of(*accounts))
        desk.state_dir = folder
        scripts = senders.handlers(desk)

        async def ask(
            operation: str, account: str = "app", uploads: tuple[File, ...] = (), **params: str
        ) -> Any:
            return await scripts[operation](asked(desk, account, operation, params, uploads))

        try:
            await test(desk, ask)
        finally:
            desk.journal.close()

    asyncio.run(whole())


async def number_of(answer: Awaitable[Any]) -> int:
    with pytest.raises(ApiProblem) as caught:
        await answer
    return caught.value.number


def may_send(desk: FrontDesk, name: str, account: str = "app") -> bool:
    sources = desk.accounts[account].sources
    return not sources or name in sources


def test_configured_names_are_there_and_others_wait_for_a_person(tmp_path: Path) -> None:
    async def test(desk: FrontDesk, ask: Ask) -> None:
        assert await ask("sender_get") == [{"sender": "79990000009", "id": 2}, {"sender": "Shop", "id": 1}]
        assert await ask("sender_add", sender="Bakery", cmt="bread") == {"sender": 3}
        assert not may_send(desk, "Bakery")
        assert [row["sender"] for row in await ask("sender_get")] == ["79990000009", "Shop"]
        rows = await ask("sender_get", all="1")
        assert rows[0] == {"sender": "Bakery", "status": 0, "id": 3}
        assert render("sender_get", rows, 0, params={"get": "1", "all": "1"}).startswith(
            "name = Bakery, status = 0, id = 3\n"
        )
        assert await decide(desk, "app", "Bakery", allowed=True)
        assert may_send(desk, "Bakery") and may_send(desk, "Shop") and not may_send(desk, "Other")
        assert [row["sender"] for row in await ask("sender_get")] == ["Bakery", "79990000009", "Shop"]
        assert await decide(desk, "app", "Bakery", allowed=False)
        assert not may_send(desk, "Bakery")
        assert (await ask("sender_get", all="1"))[0]["status"] == 2
        assert not await decide(desk, "app", "Nobody", allowed=True)
        assert not await decide(desk, "free", "Bakery", allowed=True)
        assert [row["id"] for row in await ask("sender_get", all="1", prev_id="3", cnt="1")] == [2]

    run(tmp_path, test)


def test_where_any_name_may_be_used_a_new_one_is_allowed_at_once(tmp_path: Path) -> None:
    async def test(desk: FrontDesk, ask: Ask) -> None:
        assert await number_of(ask("sender_get", "free")) == 3
        assert await ask("sender_add", "free", sender="Anything") == {"sender": 1}
        assert await ask("sender_get", "free") == [{"sender": "Anything", "id": 1}]
        # and others may be used all the same, whatever somebody has said of one
        assert await decide(desk, "free", "Anything", allowed=True)
        assert may_send(desk, "Other", "free")

    run(tmp_path, test)


def test_what_was_allowed_holds_after_a_restart_and_a_reload(tmp_path: Path) -> None:
    async def test(desk: FrontDesk, ask: Ask) -> None:
        await ask("sender_add", sender="Bakery")
        await ask("sender_add", sender="Waiting")
        await decide(desk, "app", "Bakery", allowed=True)
        config = desk.accounts["app"].config
        desk.accounts["app"].configure(config, 0.0)
        assert may_send(desk, "Bakery")
        desk.accounts["app"] = Account(config, 0.0)  # type: ignore[index]
        assert not may_send(desk, "Bakery")
        desk.sender_names.apply(desk.accounts)
        assert may_send(desk, "Bakery")
        desk.accounts["app"] = Account(config, 0.0)  # type: ignore[index]
        await load(desk)
        assert may_send(desk, "Bakery") and not may_send(desk, "Waiting")

    run(tmp_path, test)


def test_what_the_configuration_alone_allowed_ends_with_it(tmp_path: Path) -> None:
    async def test(desk: FrontDesk, ask: Ask) -> None:
        assert len(await ask("sender_get")) == 2
        assert await ask("sender_chg", sender="Shop", cmt="ours") == {"result": "OK"}
        await ask("sender_add", "free", sender="Bank")
        accounts = {
            "app": Account(account_config(allowed_sources=("79990000009",)), 0.0),
            "free": Account(account_config(system_id="free", allowed_sources=("Example",)), 0.0),
        }
        desk.accounts = accounts
        desk.sender_names = SenderNames()
        await load(desk)
        assert not may_send(desk, "Shop") and may_send(desk, "79990000009")
        assert not may_send(desk, "Bank", "free") and may_send(desk, "Example", "free")
        assert [row["sender"] for row in await ask("sender_get")] == ["79990000009"]
        rows = await ask("sender_get", "free", all="1")
        assert {row["sender"]: row["status"] for row in rows} == {"Example": 1, "Bank": 0}
        # nor does another comment make it one that somebody has allowed
        await ask("sender_chg", "free", sender="Bank", cmt="x")
        assert not may_send(desk, "Bank", "free")

    run(tmp_path, test)


def test_an_admin_sees_what_holds_and_has_the_last_word(tmp_path: Path) -> None:
    async def test(desk: FrontDesk, ask: Ask) -> None:
        daemon: Any = SimpleNamespace(
            http=SimpleNamespace(desk=desk), accounts=desk.accounts, events=desk.events
        )
        said = admin_senders.handlers(daemon)
        await ask("sender_add", sender="Bakery", cmt="bread")
        await ask("sender_add", "free", sender="Anything")
        rows: Any = await said["sender_list"]({"account": ""})  # type: ignore[misc]
        states = {(row["account"], row["name"]): row["state"] for row in rows["rows"]}
        assert states == {
            ("app", "Shop"): "allowed",
            ("app", "79990000009"): "allowed",
            ("app", "Bakery"): "waits",
            ("free", "Anything"): "allowed",
        }
        decided: Any = await said["sender_decide"](  # type: ignore[misc]
            {"account": "app", "name": "Bakery", "allowed": True}
        )
        assert (decided["state"], may_send(desk, "Bakery")) == ("allowed", True)
        unknown: Any = await said["sender_decide"](  # type: ignore[misc]
            {"account": "app", "name": "Nobody", "allowed": True}
        )
        assert "sender list" in unknown["error"]

    run(tmp_path, test)


def test_what_a_person_has_refused_is_not_undone_by_its_owner(tmp_path: Path) -> None:
    async def test(desk: FrontDesk, ask: Ask) -> None:
        await ask("sender_add", sender=NUMBER)
        await decide(desk, "app", NUMBER, allowed=False)
        desk.records.put(
            "sender_code", "app", Record(1, NUMBER, {"code": "1", "sent_ms": NOW_MS, "tries": 0})
        )
        await committed(desk.journal)
        assert await number_of(ask("sender_check", sender=NUMBER, code="1")) == 5
        assert await number_of(ask("sender_code", sender=NUMBER)) == 5
        assert await number_of(ask("sender_del", sender=NUMBER)) == 5
        assert not may_send(desk, NUMBER)
        await decide(desk, "app", NUMBER, allowed=True)
        assert await ask("sender_del", sender=NUMBER) == {"result": "OK"}

    run(tmp_path, test)


def test_a_listed_name_is_not_written_again_at_each_look(tmp_path: Path) -> None:
    async def test(desk: FrontDesk, ask: Ask) -> None:
        await asyncio.gather(*(ask("sender_get") for _ in range(5)))
        assert desk.journal.all("SELECT count(*) FROM record WHERE kind = 'sender'") == [(2,)]

    run(tmp_path, test)


def test_names_are_changed_and_deleted(tmp_path: Path) -> None:
    async def test(desk: FrontDesk, ask: Ask) -> None:
        await ask("sender_add", sender="Bakery")
        assert await number_of(ask("sender_add", sender="Bakery")) == 5
        await decide(desk, "app", "Bakery", allowed=True)
        assert await ask("sender_chg", sender="Bakery", cmt="cakes", mts_step="1") == {"result": "OK"}
        states = await ask("sender_get", operators="1")
        assert states[0] == {"sender": "Bakery", "mts_step": "2", "id": "3"}
        assert states[1] == {"sender": "79990000009", "id": "2"}
        assert await ask("sender_del", id="3") == {"result": "OK"}
        assert not may_send(desk, "Bakery")
        assert await number_of(ask("sender_del", sender="Bakery")) == 3
        assert await number_of(ask("sender_del", sender="Shop")) == 5
        assert await number_of(ask("sender_chg", sender="Nobody", cmt="x")) == 3
        assert await number_of(ask("sender_del", "free", id="1")) == 3
        assert await ask("sender_add", sender="Bakery") == {"sender": 4}

    run(tmp_path, test)


def test_registrations_are_told_by_the_day_they_changed(tmp_path: Path) -> None:
    async def test(desk: FrontDesk, ask: Ask) -> None:
        await ask("sender_add", sender="Old", mega_step="1", all="1")
        desk.clock.advance(48 * 3600)
        await ask("sender_add", sender="New", bee_step="1")
        await ask("sender_add", sender="None")
        rows = await ask("sender_get", all="1", operators="1", from_date="01.01.2020")
        assert [row["sender"] for row in rows] == ["New", "Old"]
        assert rows[0] == {"sender": "New", "bee_step": "0", "id": "4"}
        assert await number_of(ask("sender_get", from_date="1.1.2020x")) == 1
        assert await number_of(ask("sender_add", sender="x", ua_reg="1")) == 1
        assert await number_of(ask("sender_add", sender="x", by_reg="1", by_fio="a", by_inn="1")) == 1

    run(tmp_path, test)


def test_documents_are_kept_listed_and_gone_with_their_name(tmp_path: Path) -> None:
    async def test(desk: FrontDesk, ask: Ask) -> None:
        paper = File("paper.pdf", b"%PDF-1.4")
        assert await ask("sender_add", uploads=(paper,), sender="Bakery", doc_info="a licence") == {
            "sender": 3
        }
        assert await ask("sender_chg", uploads=(paper,), sender="Bakery") == {"result": "OK"}
        rows = await ask("sender_get", all="1", files="1")
        assert [file["fid"] for file in rows[0]["files"]] == [1, 2]
        assert rows[0]["files"][0] == {"file": "paper.pdf", "fid": 1, "fstatus": 0, "fcomment": "a licence"}
        kept = tmp_path / "documents" / "1"
        assert (kept.read_bytes(), kept.stat().st_mode & 0o077) == (b"%PDF-1.4", 0)
        assert kept.parent.stat().st_mode & 0o077 == 0
        await ask("sender_del", sender="Bakery")
        assert list((tmp_path / "documents").iterdir()) == []
        # and none is called 2 again after a restart
        assert desk.journal.all("SELECT value FROM setting WHERE name LIKE 'newest:%documents'") == [(2,)]

    run(tmp_path, test)


@pytest.mark.parametrize(
    "file",
    [
        File("paper.exe", b"x"),
        File("../../paper.pdf", b"x"),
        File("paper\n.pdf", b"x"),
        File("paper.pdf", b"x" * (3 * 1024 * 1024 + 1)),
    ],
)
def test_odd_documents_are_error_1(tmp_path: Path, file: File) -> None:
    async def test(desk: FrontDesk, ask: Ask) -> None:
        assert await number_of(ask("sender_add", uploads=(file,), sender="Bakery")) == 1
        assert await number_of(ask("sender_add", uploads=(File("a.pdf", b""),) * 2, sender="Bakery")) == 1
        assert not (tmp_path / "documents").exists()

    run(tmp_path, test)


def test_a_name_has_some_documents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(senders, "FILES_MAX", 1)
    paper = (File("paper.pdf", b"x"),)

    async def test(desk: FrontDesk, ask: Ask) -> None:
        await ask("sender_add", uploads=paper, sender="Bakery")
        assert await number_of(ask("sender_chg", uploads=paper, sender="Bakery")) == 5
        assert len(list((tmp_path / "documents").iterdir())) == 1

    run(tmp_path, test)


def test_documents_fill_no_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(senders, "FILES_OCTETS_MAX", 20)
    paper = (File("paper.pdf", b"x" * 11),)

    async def test(desk: FrontDesk, ask: Ask) -> None:
        sub = account_of(desk.accounts["app"].config, "sub", "hash", {})
        desk.accounts["sub"] = Account(sub, 0.0)  # type: ignore[index]
        assert await ask("sender_add", uploads=paper, sender="Bakery") == {"sender": 3}
        # of a sub-client, too: its parent could make as many as it likes
        assert await number_of(ask("sender_add", "sub", uploads=paper, sender="Bakery")) == 5
        assert await ask("sender_add", "free", uploads=paper, sender="Bakery")
        await ask("sender_del", sender="Bakery")
        assert await ask("sender_add", "sub", uploads=paper, sender="Bakery")

    run(tmp_path, test)


@pytest.mark.parametrize("why", ["store", "disk low", "disk full"])
def test_a_document_that_cannot_be_kept_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    def write(path: Path, octets: bytes) -> None:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(octets[:1])
        raise OSError(errno.ENOSPC, "No space left on device")

    async def test(desk: FrontDesk, ask: Ask) -> None:
        await ask("sender_get")
        if why == "disk full":
            monkeypatch.setattr(senders, "write", write)
        elif why == "disk low":
            desk.submission.closed_because = Refusal.QUEUE_FULL
        else:
            desk.journal.fails = True
        with pytest.raises(Unavailable):
            await ask("sender_add", uploads=(File("paper.pdf", b"xyz"),), sender="Bakery")
        assert not list((tmp_path / "documents").glob("*"))

    run(tmp_path, test)


def test_a_number_is_allowed_by_its_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Asked] = []

    async def send(self: Any, asked: Asked) -> dict[str, object]:
        sent.append(asked)
        await committed(self._desk.journal)
        return {"id": 1, "cnt": 1}

    monkeypatch.setattr(sender_codes.Sending, "send", send)

    async def test(desk: FrontDesk, ask: Ask) -> None:
        assert await number_of(ask("sender_check", sender=NUMBER, code="1")) == 3
        assert await ask("sender_code", sender=f"+{NUMBER}", site="Shop", site_name="a site") == {
            "result": "OK"
        }
        assert await number_of(ask("sender_code", sender=NUMBER)) == 10
        [asked_for] = sent
        code = asked_for.params["mes"][:6]
        assert asked_for.params == {
            "phones": f"+{NUMBER}",
            "mes": f"{code} is your code for a site",
            "sender": "Shop",
        }
        assert (asked_for.operation, asked_for.account.name) == ("send", "app")
        wrong = f"{(int(code) + 1) % 10**6:06}"
        assert await number_of(ask("sender_check", sender=NUMBER, code=wrong)) == 11
        assert await number_of(ask("sender_check", "free", sender=NUMBER, code=code)) == 3
        assert not may_send(desk, NUMBER)
        assert await ask("sender_check", sender=NUMBER, code=code) == {"result": "OK"}
        assert may_send(desk, NUMBER)
        # it is good once
        assert await number_of(ask("sender_check", sender=NUMBER, code=code)) == 3
        assert await number_of(ask("sender_code", sender="12")) == 7

    run(tmp_path, test)


def test_codes_cannot_be_guessed_and_grow_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts: list[str] = []

    async def send(self: Any, asked: Asked) -> dict[str, object]:
        texts.append(asked.params["mes"])
        await committed(self._desk.journal)
        return {"id": 1, "cnt": 1}

    monkeypatch.setattr(sender_codes.Sending, "send", send)

    async def test(desk: FrontDesk, ask: Ask) -> None:
        await ask("sender_code", sender=NUMBER)
        code = texts[-1][:6]
        for n in range(1, 6):
            wrong = f"{(int(code) + n) % 10**6:06}"
            assert await number_of(ask("sender_check", sender=NUMBER, code=wrong)) == 11
        assert await number_of(ask("sender_check", sender=NUMBER, code=code)) == 3
        desk.clock.advance(8 * 3600)
        await ask("sender_code", sender=NUMBER)
        code = texts[-1][:6]
        desk.clock.advance(24 * 3600 + 1)
        assert await number_of(ask("sender_check", sender=NUMBER, code=code)) == 3
        await ask("sender_code", sender=NUMBER)
        assert await ask("sender_check", sender=NUMBER, code=texts[-1][:6]) == {"result": "OK"}

    run(tmp_path, test)


def test_a_code_that_cannot_be_sent_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def send(self: object, asked: Asked) -> dict[str, object]:
        raise ApiProblem(3)

    monkeypatch.setattr(sender_codes.Sending, "send", send)

    async def test(desk: FrontDesk, ask: Ask) -> None:
        assert await number_of(ask("sender_code", sender=NUMBER)) == 8
        assert desk.journal.all("SELECT count(*) FROM record WHERE kind = 'sender_code'") == [(0,)]
        # and may be asked for again at once
        assert await number_of(ask("sender_code", sender=NUMBER)) == 8

    run(tmp_path, test)


def test_a_code_that_was_not_sent_for_now_may_be_asked_for_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def send(self: object, asked: Asked) -> dict[str, object]:
        raise Unavailable  # the queue is full

    monkeypatch.setattr(sender_codes.Sending, "send", send)

    async def test(desk: FrontDesk, ask: Ask) -> None:
        for _ in range(2):
            with pytest.raises(Unavailable):
                await ask("sender_code", sender=NUMBER)
            await committed(desk.journal)

    run(tmp_path, test)


def test_numbers_are_names_that_have_an_end_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender_codes, "NAMES_MAX", 2)

    async def test(desk: FrontDesk, ask: Ask) -> None:
        await ask("sender_get")
        assert await number_of(ask("sender_code", sender=NUMBER)) == 5
        assert desk.journal.all("SELECT count(*) FROM record WHERE kind = 'sender_code'") == [(0,)]

    run(tmp_path, test)


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"sender": "twelve chars"},
        {"sender": "Имя"},
        {"sender": "Bakery", "mail": "1"},
        {"sender": "Bakery", "mts_step": "2"},
        {"sender": "Bakery", "cmt": "c" * 1001},
        {"sender": "Bakery", "user": "free"},
    ],
)
def test_what_makes_no_sense_is_error_1(tmp_path: Path, params: dict[str, str]) -> None:
    async def test(desk: FrontDesk, ask: Ask) -> None:
        assert await number_of(ask("sender_add", **params)) == 1

    run(tmp_path, test)


def test_addresses_of_mail_are_names_too_and_there_is_an_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(desk: FrontDesk, ask: Ask) -> None:
        monkeypatch.setattr(senders, "NAMES_MAX", 3)
        assert await ask("sender_add", sender="Me@Example.org", mail="1", name="an owner") == {"sender": 3}
        assert (await ask("sender_get", all="1"))[0]["sender"] == "me@example.org"
        assert await number_of(ask("sender_add", sender="Bakery")) == 5

    run(tmp_path, test)
