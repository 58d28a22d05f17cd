"""Addresses of PostgreSQL: libpq and we read the same in them, and no password is ever shown."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.conninfo import conninfo_to_dict

from gateway.config.differences import differences
from gateway.config.lints import lints
from gateway.config.load import load, load_with_places
from gateway.config.model import Config
from gateway.config.options import options_of, text_of
from gateway.config.problems import ConfigError
from gateway.config.store_url import PARAMETERS, StoreUrl, UrlError, parts_of, without_password
from gateway.wiring import only_at_start

HASH = "scrypt$15$8$1$dmVjdG9yLXNhbHQtMDAwMQ==$0VzBzFwXWYHFIY74QcIFfpC4huEdnm7tfl1Lb5gkmQQ="
TEXT = (
    "listeners: {smpp: [{address: '127.0.0.1:2775'}]}\n"
    f"accounts: [{{system_id: app, password_hash: {HASH}}}]\n"
    "connectors: [{name: up, address: '192.0.2.1:2775', system_id: gw, password: kJ7-hs0q}]\n"
    "routes: [{connectors: [up]}]\n"
)
ADDRESSES = [
    "postgresql://",
    "postgresql:///smsc",
    "postgres://gateway@db1/smsc",
    "postgresql://gateway:s%40cret@db1:5433/smsc?sslmode=verify-full",
    "postgresql://gateway@db1,db2:5433/smsc?target_session_attrs=read-write",
    "postgresql://[::1]:5433,[2001:db8::1]/smsc",
    "postgresql://%2Frun%2Fpostgresql/smsc",
    "postgresql:///smsc?host=/run/postgresql&port=5433",
    "postgresql://?service=smsc",
    "postgresql://db1/smsc?password=secret&sslrootcert=/etc/ca.pem",
]


@pytest.mark.parametrize("url", ADDRESSES)
def test_libpq_reads_the_same(url: str) -> None:
    parts, theirs = parts_of(url), conninfo_to_dict(url)
    assert (parts.user, parts.password) == (theirs.get("user", ""), theirs.get("password", ""))
    assert ",".join(parts.hosts) == theirs.get("host", "")
    assert ",".join(parts.ports).strip(",") == str(theirs.get("port", "")).strip(",")
    assert parts.database == theirs.get("dbname", "")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://[::1/smsc",
        "postgresql://db1/smsc?sslmode",
        "postgresql://db1/sm%zzc",
        "mysql://db1/smsc",
    ],
)
def test_what_libpq_refuses_is_refused(url: str) -> None:
    with pytest.raises(UrlError):
        parts_of(url)
    with pytest.raises(psycopg.ProgrammingError):
        conninfo_to_dict(url)


def test_every_parameter_of_this_libpq_is_known() -> None:
    names = {option.keyword.decode() for option in psycopg.pq.Conninfo.get_defaults()}
    # what libpq keeps for itself is not for people
    assert {name for name in names if name not in PARAMETERS} <= {"authtype", "tty", "scram_client_key"} | {
        name for name in names if name.startswith(("scram_", "oauth_", "sslkeylog", "servicefile"))
    }


SECRET = st.text("abcXYZ0189-_.~!$*", min_size=5, max_size=12).map("Q7".__add__)
"""None is part of what else an address says."""


@given(password=SECRET, host=st.sampled_from(["db1", "db1,db2", "[::1]", ""]))
def test_a_password_is_never_shown(password: str, host: str) -> None:
    for url in (
        f"postgresql://gateway:{password}@{host}/smsc?sslmode=require",
        f"postgresql://{host}/smsc?user=gateway&password={password}&sslmode=require",
    ):
        store = StoreUrl(url)
        assert store.parts.password == password
        for shown in (str(store), repr(store), f"{store}", without_password(url)):
            assert password not in shown.replace("sslmode=require", "").replace("postgresql://", "")
        assert store.reveal() == url


def test_an_escaped_password_is_hidden_as_it_stands() -> None:
    url = "postgresql://gateway:p%40ss%2Fword@db1/smsc?sslpassword=other&sslmode=require"
    assert str(StoreUrl(url)) == "postgresql://gateway@db1/smsc?sslpassword=********&sslmode=require"


Written = Callable[..., Path]


@pytest.fixture
def written(tmp_path: Path) -> Written:
    def of(more: str, mode: int = 0o640) -> Path:
        path = tmp_path / "config.yaml"
        path.write_text(TEXT + more)
        path.chmod(mode)
        return path

    return of


def warned(path: Path) -> list[str]:
    return [f"{problem.key}: {problem.text}" for problem in lints(*load_with_places(path))]


def refused(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        load(path)
    return str(caught.value)


def test_no_store_is_sqlite(written: Written) -> None:
    assert load(written("")).store is None


def test_the_address_may_be_in_a_file(written: Written, tmp_path: Path) -> None:
    secret = tmp_path / "address"
    secret.write_text("postgresql://gateway:s3cr3t-1@db1/smsc?sslmode=verify-full\n")
    secret.chmod(0o600)
    path = written("store: {file: address}\n")
    store = load(path).store
    assert store is not None and store.reveal().endswith("sslmode=verify-full")
    assert store.parts.password == "s3cr3t-1"
    assert warned(path) == []


def test_an_address_that_everybody_may_read_is_refused(written: Written) -> None:
    line = "store: postgresql://gateway:s3cr3t-1@db1/smsc\n"
    assert "is a secret in a file that can be read by everybody" in refused(written(line, 0o644))
    assert "store:" not in refused(written(line.replace(":s3cr3t-1", ""), 0o644))  # but the connector's


def test_a_mistake_has_its_place_and_shows_no_password(written: Written) -> None:
    path = written("store: postgres+ssl://gateway:s3cr3t-1@db1/smsc\n")
    text = refused(path)
    assert text.startswith(
        f"{path}:5:8: store: is no address of PostgreSQL – write for example postgresql://"
    )
    assert "s3cr3t" not in text
    assert "SQLite in the state directory is the default" in refused(written("store: sqlite:///var/lib\n"))
    assert "did you mean" not in refused(written("store: postgresql://db1/smsc?sslmode=verify_full\n"))
    assert "write sslmode=verify-full" in refused(written("store: postgresql://db1/s?sslmode=verify_full\n"))


CASES = {
    "a socket": ("postgresql:///smsc", []),
    "on this machine": ("postgresql://gateway@127.0.0.1/smsc", []),
    "elsewhere without TLS": (
        "postgresql://gateway@db1/smsc",
        ["store: what is stored, and the password, may go to the database in the clear"],
    ),
    "TLS if the server likes": (
        "postgresql://gateway@db1/smsc?sslmode=prefer",
        ["store: what is stored, and the password, may go to the database in the clear"],
    ),
    "TLS": ("postgresql://gateway@db1/smsc?sslmode=verify-full", []),
    "a service file": ("postgresql://db1/?service=smsc", []),
    "two hosts": (
        "postgresql://db1,db2/smsc?sslmode=require",
        ["store: has several hosts, and the first that answers may be a standby, which takes nothing"],
    ),
    "a password": (
        "postgresql://gateway:s3cr3t@localhost/smsc",
        ["store: has a password in it, which every copy of this file has too"],
    ),
    "an unknown parameter": (
        "postgresql:///smsc?conect_timeout=3",
        ["store: libpq may refuse the parameter 'conect_timeout'"],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_odd_is_told(name: str, written: Written) -> None:
    url, expected = CASES[name]
    assert warned(written(f"store: {url}\n")) == expected


def test_a_name_of_a_node_without_nodes_is_odd(written: Written) -> None:
    assert warned(written("node: north\n")) == [
        "node: has no effect: the store is SQLite's, which has one node"
    ]


def config_of(path: Path) -> Config:
    return load(path)


def test_what_changed_and_what_holds_shows_no_password(written: Written) -> None:
    old = config_of(written("store: postgresql://gateway:s3cr3t-1@db1/smsc\n"))
    new = config_of(written("store: postgresql://gateway:s3cr3t-2@db1/smsc\n"))
    assert [str(change) for change in differences(old, new)] == ["store: changed"]
    [store] = options_of(new, only="store")
    assert text_of(store) == "postgresql://gateway@db1/smsc"


def test_another_store_or_name_needs_a_restart(written: Written) -> None:
    old = config_of(written("store: postgresql:///smsc\n"))
    assert only_at_start(old, old) == []
    assert only_at_start(old, config_of(written(""))) == ["store"]
    assert only_at_start(old, config_of(written("store: postgresql:///smsc\nnode: b\n"))) == ["node"]
