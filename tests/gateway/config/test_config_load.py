"""The loader against the vectors: bad files with the text they must get, good files with their values."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
import sys
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from gateway.config import nodes
from gateway.config.account_model import AccountLimits
from gateway.config.connector_model import Connector, TextPolicy, VendorTlv
from gateway.config.http_model import HttpListener
from gateway.config.load import load
from gateway.config.mail_model import AccountMail, CountryRule, Group, Mail, SmtpListener
from gateway.config.model import Address, Config, Log, Queue, Route, SmppListener, TlsClient, TlsServer
from gateway.config.number_file import NumberFile
from gateway.config.price_file import PriceFile
from gateway.config.price_model import Price
from gateway.config.problems import ConfigError
from gateway.config.route_model import Rewrite
from gateway.config.secret import Secret
from gateway.config.smpp_model import AccountOutbind, AddressRule, NumberList
from gateway.config.smsc_model import CallbackListener, SmscConnector
from gateway.core.api_keys import hash_key

BAD = sorted((Path(__file__).parents[2] / "vectors" / "config" / "bad").glob("*.yaml"))


def problems_of(path: Path) -> str:
    """What is reported about `path`, with file names relative to its directory."""
    with pytest.raises(ConfigError) as caught:
        load(path)
    return str(caught.value).replace(f"{path.parent}/", "") + "\n"


def test_there_are_enough_bad_configurations() -> None:
    assert len(BAD) >= 15


@pytest.mark.parametrize("name", [path.name for path in BAD])
def test_a_bad_configuration_gets_its_expected_text(name: str, vectors: Path) -> None:
    expected = (vectors / "bad" / name).with_suffix(".expected").read_text()
    assert problems_of(vectors / "bad" / name) == expected


def test_problems_come_in_the_order_of_the_file(vectors: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(vectors / "bad" / "wrong-type.yaml")
    places = [(problem.line, problem.column) for problem in caught.value.problems]
    assert len(places) > 5
    assert places == sorted(places)


def test_a_minimal_configuration_has_the_defaults(vectors: Path) -> None:
    config = load(vectors / "good" / "minimal.yaml")
    assert config.listeners.smpp == (SmppListener(address=Address("127.0.0.1", 2775)),)
    assert config.queue == Queue()
    assert config.log == Log()
    assert config.routes[0].prefix == ""
    assert config.accounts[0].window == 100
    assert config.connectors[0].tls is None


def test_every_option_is_read(vectors: Path) -> None:
    config = load(vectors / "good" / "everything.yaml")
    assert config.listeners.smpp[0] == SmppListener(
        address=Address("::", 2775),
        max_connections=10,
        bind_timeout_s=1.5,
        enquire_link_s=10,
        response_timeout_s=20,
        system_id="vector",
    )
    account = config.accounts[0]
    assert account.system_id == "0042"
    assert account.password_hash.reveal().startswith("scrypt$15$8$1$")
    assert account.allowed_addresses == tuple(
        map(ip_network, ("192.0.2.0/24", "192.0.2.7/32", "2001:db8::/32"))
    )
    assert (account.max_binds, account.window, account.rate, account.max_segments) == (1, 1000, 5, 1)
    assert account.allowed_sources == ("79990000001", "Example")
    assert (account.message_id_format, account.data_coding_0, account.blocked) == ("uuid", "latin1", True)
    connector, spare = config.connectors
    assert connector.address == Address("smpp.example.net", 2775)
    assert connector.password.reveal() == "secret"
    assert connector.tls == TlsClient(server_name="sms.example.net")
    assert spare.tls is None
    assert connector.interface_version == "5.0"
    assert connector.receipts_by_text is True
    assert [route.prefix for route in config.routes] == ["", "007", "49", "7900"]
    assert config.routes[0].connectors == ("up", "centre", "spare")
    assert config.store is not None and config.store.parts.hosts == ("db1", "db2")
    assert config.node == "north"
    assert config.queue.commit_delay_ms == 0.5
    assert [rule.keyword for rule in config.incoming] == ["СТОП", "", ""]
    assert config.log == Log(format="json", level="debug")


def test_every_option_of_smpp_is_read(vectors: Path) -> None:
    config = load(vectors / "good" / "everything.yaml")
    smpp, (up, spare) = config.accounts[0].smpp, config.connectors
    assert smpp.source == AddressRule(
        ton=1, npi=9, prefix="plus", short_digits=5, short_ton=6, short_npi=9, name_ton=5, name_npi=9
    )
    assert smpp.destination.prefix == "none"
    assert (smpp.receipt_pdu, smpp.receipt_style, smpp.receipts) == ("data_sm", "text", "per_part")
    assert smpp.allowed_tlvs == ("message_payload", "charging_id", "0x1401")
    assert smpp.lists == (NumberList(name="staff", numbers=("79991234567", "+79991234568")),)
    called = Address("127.0.0.1", 2778)
    assert smpp.outbind == AccountOutbind(address=called, system_id="vector", password=Secret("secret"))
    assert up.backup_addresses == (Address("smpp2.example.net", 2775), Address("2001:db8::1", 2775))
    assert (up.window, up.rebind_pause_s, up.reference_bits) == (7, 2.5, "16")
    assert up.throttle_statuses == ("ESME_RTHROTTLED", "0x0400")
    assert (up.source.prefix, up.source.short_ton, up.destination) == ("00", 3, AddressRule(ton=2, npi=0))
    assert (up.outbind_listen, up.tlvs, spare.tlvs) == (Address("127.0.0.1", 2779), True, False)
    route = config.routes[1]
    assert route.text == TextPolicy(transliterate="latin", shift_tables=("turkish", "urdu"))
    assert (route.whole, route.vendor_tlvs) == (True, ("charging_id",))
    charging = VendorTlv(name="charging_id", tag="0x1400", type="string", max_octets=20)
    assert config.vendor_tlvs == (charging,)
    assert (config.denied_destinations, config.queue.part_wait_s) == (("7900", "+882"), 7)


def test_every_option_of_accounts_routes_and_prices_is_read(vectors: Path) -> None:
    config = load(vectors / "good" / "everything.yaml")
    account = config.accounts[0]
    assert (account.parent, account.tags, account.test_mode) == ("head", ("marketing", "vip"), True)
    assert (account.default_source, account.forced_source) == ("Example", "Example")
    assert account.destinations == ("7", "-77", "49")
    assert (account.default_region, account.number_check) == ("RU", "mobile")
    assert (account.validity_h, account.max_validity_h, account.time_zone) == (3, 5, "Europe/Moscow")
    assert account.limits == AccountLimits(
        per_day=1000,
        per_number=10,
        per_text=2,
        per_address=500,
        hours="21-6",
        outside_hours="refuse",
        hours_of="subscriber",
        flood=50,
        flood_gap_s=61,
        repeat_s=62,
    )
    assert (account.balance, account.credit, account.prices) == ("own", 10.5, "retail")
    assert (account.refund, account.stop_words) == ("undelivered", ("STOP", "СТОП"))
    _, vip, cheapest, none = config.routes
    assert (vip.name, vip.priority, vip.prefixes) == ("vip", -3, ("7701", "7702"))
    vip_numbers = frozenset({77011234567, 77021234567})
    assert vip.destinations_file == NumberFile(vectors / "good" / "files" / "vip.txt", vip_numbers)
    assert (vip.sources, vip.classes, vip.days) == (("Example", "7999*"), ("none", "0"), ("sat", "sun"))
    assert (vip.connectors, vip.weights, vip.sticky) == (("spare", "up"), (70, 30), True)
    assert vip.failover == ("down", "silent", "refused", "throttled")
    assert vip.rewrites == (Rewrite(what="source", match="8([0-9]{10})", replace="7\\1"),)
    assert (cheapest.order, none.refuse, none.connectors) == ("cheapest", True, ())
    retail, cost = config.price_lists
    assert retail.prices == (Price(price=0.1), Price(prefix="7", price=0.045))
    assert retail.file == PriceFile(vectors / "good" / "files" / "prices.csv", {"49": 70_000, "4915": 75_000})
    assert cost.name == "cost"
    assert (config.connectors[0].silence_s, config.connectors[0].prices) == (0, "cost")
    assert (config.queue.text_days, config.queue.statistics_days) == (2, 40)


def test_every_option_of_mail_is_read(vectors: Path) -> None:
    config = load(vectors / "good" / "everything.yaml")
    listeners, account, mail = config.listeners, config.accounts[0], config.mail
    assert listeners.smtp[0].hostname == "sms.example.org"
    assert (listeners.lmtp[0].path, listeners.lmtp[0].mode) == (vectors / "good" / "lmtp.sock", "0666")
    keys = [hash_key(f"vector key {number}") for number in ("one", "two")]
    assert [secret.reveal() for secret in account.api_keys] == keys
    assert account.mail is not None
    assert account.mail.networks == tuple(map(ip_network, ("192.0.2.25/32", "2001:db8::/32")))
    assert (account.mail.subject, account.mail.sender) == ("", "{name} <{address}> ")
    assert account.mail.recipients == ("79991234567", "+79991234568")
    assert (account.mail.hours, account.mail.empty_text, account.mail.text) == ("22-6", "(пусто)", False)
    assert mail is not None
    assert mail.domains == ("sms.example.org", "xn--l1ajb.example")
    assert mail.country_rules == (CountryRule(prefix="8", length=11, replace="7"),)
    assert mail.groups == (Group(name="ops", numbers=("79991234567", "+79991234568"), accounts=("0042",)),)
    assert mail.smarthost is not None
    assert mail.smarthost.address == Address("mail.example.org", 465)
    assert mail.smarthost.password == Secret("secret")


def test_mail_without_anything_else_has_the_defaults(vectors: Path) -> None:
    path = edited(vectors / "good" / "minimal.yaml", "system_id: app", "system_id: app, mail: {}")
    path.write_text(path.read_text() + "mail: {domains: [sms.example.org]}\n")
    config = load(path)
    assert config.mail == Mail(domains=("sms.example.org",))
    assert config.accounts[0].mail == AccountMail()


def test_mail_needs_no_smpp(vectors: Path) -> None:
    path = edited(vectors / "good" / "minimal.yaml", "{smpp: ", "{smtp: ")
    path.write_text(path.read_text() + "mail: {domains: [sms.example.org]}\n")
    assert [listener.address.port for listener in load(path).listeners.smtp] == [2775]


def test_a_smarthost_on_loopback_gets_its_password_without_tls(vectors: Path) -> None:
    path = vectors / "bad" / "smarthost.yaml"
    edited(path, "mail.example.org:25", "127.0.0.1:25")
    edited(path, ", certificates: {}", "")
    mail = load(path).mail
    assert mail is not None
    assert mail.smarthost is not None
    assert (mail.smarthost.username, mail.smarthost.tls) == ("gateway", "none")


def test_a_machine_without_time_zones_says_so(vectors: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zoneinfo.available_timezones", lambda: set())
    path = vectors / "bad" / "account-mail.yaml"
    expected = "this machine knows no time zones – install the package tzdata, or write UTC"
    assert expected in problems_of(path)
    edited(edited(path, "../zone", "UTC"), "Europe/Atlantis", "UTC")
    assert expected not in problems_of(path)


def test_the_vector_leaves_no_option_at_its_default(vectors: Path) -> None:
    config = load(vectors / "good" / "everything.yaml")
    listeners, mail = config.listeners, config.mail
    assert mail is not None
    sections: list[Any] = [listeners.smpp[0], listeners.smtp[0], listeners.lmtp[0], config.accounts[0]]
    sections += [config.accounts[0].mail, config.connectors[0], config.routes[1], config.incoming[0]]
    sections += [mail, mail.smarthost, config.queue, config.log, config.accounts[0].limits]
    sections += [config.routes[1].rewrites[0], config.price_lists[0], config.price_lists[0].prices[1]]
    sections += [listeners.callbacks[0], config.smsc_connectors[0], config.smsc_connectors[0].callback]
    sections += [listeners.http[0], config.http, config.accounts[0].http]
    smpp = config.accounts[0].smpp
    sections += [smpp, smpp.source, smpp.lists[0], smpp.outbind, config.routes[1].text, config.vendor_tlvs[0]]
    needs_files = {(SmppListener, "tls"), *((SmtpListener, it) for it in ("tls", "tls_mode", "require_tls"))}
    # what contradicts other options of theirs; the second connector of each kind has it
    needs_files |= {
        (CallbackListener, "tls"),
        (HttpListener, "tls"),
        (SmscConnector, "api_key"),
        (Connector, "tlvs"),
    }
    needs_files |= {(Route, "order"), (Route, "refuse")}  # other routes have them
    for section in sections:
        for field in dataclasses.fields(section):
            if (type(section), field.name) not in needs_files:
                assert getattr(section, field.name) != field.default, field.name


def test_joined_files_append_lists_and_join_sections(vectors: Path) -> None:
    config = load(vectors / "good" / "joined.yaml")
    assert [account.system_id for account in config.accounts] == ["app", "second"]
    assert [listener.address.port for listener in config.listeners.smpp] == [2775, 2785]
    assert [route.prefix for route in config.routes] == ["", "7"]
    assert (config.queue.history_days, config.queue.outbox_days) == (3, 4)
    assert config.log.level == "debug"


def test_conf_d_beside_the_file_is_read(vectors: Path) -> None:
    parts = vectors / "good" / "conf.d"
    parts.mkdir()
    (parts / "log.yaml").write_text("log: {format: json}\n")
    assert load(vectors / "good" / "minimal.yaml").log.format == "json"


def test_hidden_files_in_conf_d_are_left_out(vectors: Path) -> None:
    parts = vectors / "good" / "conf.d"
    parts.mkdir()
    (parts / ".log.yaml").write_text("nonsense: [\n")
    assert load(vectors / "good" / "minimal.yaml").log == Log()


def test_a_conf_d_that_cannot_be_listed_is_no_silence(vectors: Path) -> None:
    (vectors / "good" / "conf.d").write_text("")
    expected = "conf.d:1:1: cannot be read: Not a directory – check its permissions, or remove it\n"
    assert problems_of(vectors / "good" / "minimal.yaml") == expected


def test_a_world_readable_password_may_open_loopback(vectors: Path) -> None:
    assert load(vectors / "good" / "world-readable-loopback.yaml").connectors[0].password.reveal() == "secret"


def test_a_private_file_may_hold_a_password(vectors: Path) -> None:
    path = vectors / "bad" / "world-readable-config.yaml"
    path.chmod(0o640)
    assert load(path).connectors[0].password.reveal() == "secret"


def test_everybody_may_read_where_a_password_is(vectors: Path) -> None:
    path = edited(
        vectors / "bad" / "world-readable-config.yaml", "password: secret", "password: {file: secret.txt}"
    )
    shutil.copy(vectors / "good" / "files" / "secret.txt", path.parent)
    assert load(path).connectors[0].password.reveal() == "secret"


def edited(path: Path, old: str, new: str) -> Path:
    """The file with one part replaced."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return path


def test_secrets_come_from_the_environment(vectors: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UPSTREAM_PASSWORD", "from-env")
    path = edited(vectors / "good" / "minimal.yaml", "password: secret", "password: {env: UPSTREAM_PASSWORD}")
    assert load(path).connectors[0].password.reveal() == "from-env"


def test_security_38_no_process_that_is_started_inherits_a_secret(
    vectors: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INHERITED_PASSWORD", "from-env")
    path = edited(
        vectors / "good" / "minimal.yaml", "password: secret", "password: {env: INHERITED_PASSWORD}"
    )
    load(path)
    child = [sys.executable, "-c", "import os; print(os.environ.get('INHERITED_PASSWORD'))"]
    assert subprocess.run(child, capture_output=True, text=True, check=True).stdout == "None\n"
    # and a reload has it again
    assert load(path).connectors[0].password.reveal() == "from-env"


def test_secrets_come_from_systemd_credentials(vectors: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    credentials = vectors / "credentials"
    credentials.mkdir()
    (credentials / "smsc").write_text("from-cr")
    (credentials / "smsc").chmod(0o400)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    path = edited(vectors / "good" / "minimal.yaml", "password: secret", "password: {credential: smsc}")
    assert load(path).connectors[0].password.reveal() == "from-cr"
    edited(path, "credential: smsc", "credential: ../good/files/secret.txt")
    assert "is no credential's name" in problems_of(path)


def test_a_bad_secret_is_never_shown(vectors: Path) -> None:
    assert "hunter2" not in problems_of(vectors / "bad" / "secret-not-shown.yaml")


@pytest.mark.parametrize("name", ["missing.yaml", "files"])
def test_an_unreadable_file_is_reported(name: str, vectors: Path) -> None:
    assert f"{name}:1:1: cannot be read: " in problems_of(vectors / "bad" / name)


def test_a_huge_file_is_refused_unread(vectors: Path) -> None:
    path = vectors / "huge.yaml"
    path.write_bytes(b"#" * (nodes.MAX_OCTETS + 1))
    assert problems_of(path).startswith("huge.yaml:1:1: larger than 1000000 octets")
    path.write_bytes(b"#" * nodes.MAX_OCTETS)
    assert "larger" not in problems_of(path)


def test_too_many_values_are_refused(vectors: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes, "MAX_NODES", 5)
    path = vectors / "many.yaml"
    path.write_text("a: [1, 2, 3]\nb: 4\n")
    assert problems_of(path).startswith("many.yaml:1:11: more than 5 values")


@pytest.fixture
def pair(vectors: Path) -> Path:
    """A directory with a fresh self-signed certificate and its key, and another key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs openssl")
    directory = vectors / "good"
    for name in ("tls", "other"):
        command = f"{openssl} req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1"
        files = ["-subj", "/CN=localhost", "-out", f"{name}.pem", "-keyout", f"{name}.key"]
        subprocess.run([*command.split(), *files], cwd=directory, check=True, capture_output=True)
        (directory / f"{name}.key").chmod(0o640)
    return directory


def test_tls_files_that_belong_together_are_taken(pair: Path) -> None:
    path = edited(pair / "minimal.yaml", "2775}", "2775, tls: {certificate: tls.pem, key: tls.key}}")
    edited(path, "password: secret", "password: secret, tls: {ca: tls.pem}")
    config = load(path)
    assert config.listeners.smpp[0].tls == TlsServer(certificate=pair / "tls.pem", key=pair / "tls.key")
    assert config.connectors[0].tls == TlsClient(ca=pair / "tls.pem")


def test_a_mail_listener_takes_tls_in_both_ways(pair: Path) -> None:
    files = "tls: {certificate: tls.pem, key: tls.key}"
    second = f"{{address: 127.0.0.1:2776, {files}, tls_mode: implicit, require_tls: true}}"
    path = edited(
        pair / "minimal.yaml",
        "{smpp: [{address: 127.0.0.1:2775}]}",
        f"{{smtp: [{{address: 127.0.0.1:2775, {files}}}, {second}]}}",
    )
    path.write_text(path.read_text() + "mail: {domains: [sms.example.org]}\n")
    first, other = load(path).listeners.smtp
    assert first.tls == other.tls == TlsServer(certificate=pair / "tls.pem", key=pair / "tls.key")
    assert (first.tls_mode, other.tls_mode, other.require_tls) == ("starttls", "implicit", True)


def test_security_43_the_key_of_another_certificate_is_refused(pair: Path) -> None:
    path = edited(pair / "minimal.yaml", "2775}", "2775, tls: {certificate: tls.pem, key: other.key}}")
    assert "certificate and key cannot be used (KEY_VALUES_MISMATCH)" in problems_of(path)
    edited(path, "smpp: ", "smtp: ")
    assert "listeners.smtp[0].tls.certificate: certificate and key cannot be used" in problems_of(path)


def test_security_75_a_world_readable_key_is_refused(pair: Path) -> None:
    (pair / "tls.key").chmod(0o644)
    path = edited(pair / "minimal.yaml", "2775}", "2775, tls: {certificate: tls.pem, key: tls.key}}")
    assert ": listeners.smpp[0].tls.key: tls.key can be read by everybody" in problems_of(path)


def test_an_encrypted_key_does_not_ask_on_the_terminal(pair: Path) -> None:
    subprocess.run(
        ["openssl", "ec", "-aes256", "-passout", "pass:vector", "-in", "tls.key", "-out", "locked.key"],
        cwd=pair,
        check=True,
        capture_output=True,
    )
    (pair / "locked.key").chmod(0o640)
    path = edited(pair / "minimal.yaml", "2775}", "2775, tls: {certificate: tls.pem, key: locked.key}}")
    assert "certificate and key cannot be used" in problems_of(path)


def test_configurations_compare_by_value(vectors: Path) -> None:
    path = vectors / "good" / "everything.yaml"
    before, after = load(path), load(path)
    assert before == after
    edited(path, "rate: 30", "rate: 31")
    assert load(path) != before
    assert isinstance(before, Config)
