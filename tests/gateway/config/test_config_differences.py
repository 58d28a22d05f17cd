"""What is different between two configurations, and which files they name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.account_model import Account, AccountLimits
from gateway.config.basics import Address, TlsClient, TlsServer
from gateway.config.connector_model import Connector
from gateway.config.differences import differences
from gateway.config.files import changed_files, files_of, prints_of
from gateway.config.load import load
from gateway.config.mail_model import Group, LmtpListener, Mail
from gateway.config.model import Config, Listeners, Queue, Route, SmppListener
from gateway.config.secret import Secret

OLD = Config(
    listeners=Listeners(smpp=(SmppListener(address=Address("127.0.0.1", 2775)),)),
    accounts=(Account(system_id="app", password_hash=Secret("one")),),
    connectors=(
        Connector(name="up", address=Address("192.0.2.1", 2775), system_id="gw", password=Secret("hidden")),
        Connector(name="spare", address=Address("192.0.2.2", 2775), system_id="gw", password=Secret("x")),
    ),
    routes=(Route(connectors=("up", "spare")), Route(name="ru", prefix="7", connectors=("up",))),
)


def changes(new: Config, old: Config = OLD) -> list[str]:
    return [str(change) for change in differences(old, new)]


def test_nothing_is_different() -> None:
    assert changes(replace(OLD)) == []


def test_options_are_told_by_their_paths() -> None:
    app = replace(OLD.accounts[0], limits=AccountLimits(per_day=5), blocked=True)
    up = replace(OLD.connectors[0], address=Address("::1", 2776), tls=TlsClient())
    new = replace(OLD, accounts=(app,), connectors=(up, OLD.connectors[1]), queue=Queue(commit_delay_ms=0.5))
    assert changes(new) == [
        "accounts[app].limits.per_day: 0 → 5",
        "accounts[app].blocked: false → true",
        "connectors[up].address: 192.0.2.1:2775 → [::1]:2776",
        "connectors[up].tls: added",
        "queue.commit_delay_ms: 2 → 0.5",
    ]


def test_secrets_are_not_shown() -> None:
    app = replace(OLD.accounts[0], password_hash=Secret("two"), api_keys=(Secret("k1"), Secret("k2")))
    up = replace(OLD.connectors[0], password=Secret("visible"))
    found = changes(replace(OLD, accounts=(app,), connectors=(up, OLD.connectors[1])))
    assert found == [
        "accounts[app].password_hash: changed",
        "accounts[app].api_keys: changed",
        "connectors[up].password: changed",
    ]


def test_entries_are_known_by_their_names_wherever_they_stand() -> None:
    first = Account(system_id="first", password_hash=Secret("new"))
    found = changes(replace(OLD, accounts=(first, *OLD.accounts), connectors=OLD.connectors[:1]))
    assert found == ["accounts[first]: added", "connectors[spare]: removed"]


def test_the_order_of_routes_means_something() -> None:
    assert changes(replace(OLD, routes=OLD.routes[::-1])) == ["routes: order: [*, ru] → [ru, *]"]


def test_entries_without_names_of_their_own_are_numbered() -> None:
    same = (Route(prefix="7", connectors=("up",)), Route(prefix="7", connectors=("spare",)))
    old = replace(OLD, routes=same)
    assert changes(replace(OLD, routes=(same[0], replace(same[1], priority=3))), old) == [
        "routes[1].priority: 0 → 3"
    ]


def test_long_lists_are_cut() -> None:
    new = replace(OLD, denied_destinations=tuple(str(number) for number in range(100_000)))
    [change] = changes(new)
    assert len(change) < 300
    assert change.endswith("…")


def test_every_option_of_the_vector_is_compared(vectors: Path) -> None:
    everything = load(vectors / "good" / "everything.yaml")
    minimal = load(vectors / "good" / "minimal.yaml")
    assert list(differences(everything, load(vectors / "good" / "everything.yaml"))) == []
    for before, after in ((everything, minimal), (minimal, everything)):
        text = "\n".join(changes(after, before))
        assert "hidden" not in text
        assert "secret" not in text.replace("secret:", "")


@given(st.lists(st.sampled_from("abcdef"), unique=True), st.lists(st.sampled_from("abcdef"), unique=True))
def test_lists_of_names_are_told_whole(before: list[str], after: list[str]) -> None:
    def mail(names: list[str]) -> Mail:
        return Mail(domains=("example.org",), groups=tuple(Group(name=n, numbers=("7",)) for n in names))

    found = changes(replace(OLD, mail=mail(after)), replace(OLD, mail=mail(before)))
    kept = [name for name in before if name in after]
    assert {it for it in found if it.endswith("removed")} == {
        f"mail.groups[{name}]: removed" for name in set(before) - set(after)
    }
    assert {it for it in found if it.endswith("added")} == {
        f"mail.groups[{name}]: added" for name in set(after) - set(before)
    }
    assert any("order" in it for it in found) == (kept != [name for name in after if name in before])


# -- files -----------------------------------------------------------------------------------------------


@pytest.fixture
def with_files(tmp_path: Path) -> Config:
    for name in ("tls.pem", "tls.key", "ca.pem"):
        (tmp_path / name).write_text(name)
    tls = TlsServer(certificate=tmp_path / "tls.pem", key=tmp_path / "tls.key")
    listeners = Listeners(
        smpp=(replace(OLD.listeners.smpp[0], tls=tls),),
        lmtp=(LmtpListener(path=tmp_path / "lmtp.sock", account="app"),),
    )
    up = replace(OLD.connectors[0], tls=TlsClient(ca=tmp_path / "ca.pem"))
    return replace(OLD, listeners=listeners, connectors=(up, OLD.connectors[1]))


def test_files_are_found_wherever_they_are_named(with_files: Config, tmp_path: Path) -> None:
    assert dict(files_of(with_files)) == {
        "listeners.smpp[127.0.0.1:2775].tls.certificate": tmp_path / "tls.pem",
        "listeners.smpp[127.0.0.1:2775].tls.key": tmp_path / "tls.key",
        "connectors[up].tls.ca": tmp_path / "ca.pem",
    }
    assert list(files_of(OLD)) == []


def test_another_content_is_a_change(with_files: Config, tmp_path: Path) -> None:
    before = prints_of(with_files)
    assert changed_files(with_files, before, prints_of(with_files)) == []
    (tmp_path / "ca.pem").write_text("renewed")
    after = prints_of(with_files)
    assert changed_files(with_files, before, after) == ["connectors[up].tls.ca"]
    assert changed_files(with_files.connectors[0], before, after) == ["tls.ca"]
    assert changed_files(with_files.connectors[1], before, after) == []
    (tmp_path / "ca.pem").unlink()
    assert changed_files(with_files.connectors[0], after, prints_of(with_files)) == ["tls.ca"]


def test_a_file_that_is_named_for_the_first_time_is_a_change_of_its_option(with_files: Config) -> None:
    assert changed_files(with_files, {}, prints_of(with_files)) == []
