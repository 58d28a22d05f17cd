"""curl as the SMSC service that calls the gateway, and smpplib as the client that is told of it."""

import hashlib
import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from free_ports import free_ports
from interop_client import Client, bound_client
from interop_gateway import HOST, listens, running_daemon, wait_until
from interop_peers import Smsc
from interop_service import LOGIN, PASSWORD, Service, curl, running_service
from mail_gateway import password_hash

pytestmark = pytest.mark.interop

SYSTEM_ID, SMPP_PASSWORD = "interop", "peers123"
SECRET = "a-secret_1"
OWN_NUMBER = "79990000201"
HASHES: dict[str, Callable[[bytes], str]] = {
    "md5": lambda octets: hashlib.md5(octets).hexdigest(),
    "sha1": lambda octets: hashlib.sha1(octets).hexdigest(),
    "crc32": lambda octets: str(zlib.crc32(octets)),
}
PREFIXES = {"md5": "79111", "sha1": "79112", "crc32": "79113"}


@dataclass(frozen=True)
class Called:
    """A gateway whose three connectors are one simulated service that never calls by itself."""

    service: Service
    smsc: Smsc
    callbacks: str

    def call(self, kind: str, fields: dict[str, str], signed: str, secret: str = SECRET) -> int:
        """Posts a form as the service does; `signed` is what its hash is about. The HTTP status."""
        made = HASHES[kind](f"{signed}:{secret}".encode())
        form = [part for name, value in fields.items() for part in ("--data-urlencode", f"{name}={value}")]
        answer = curl(f"{self.callbacks}/smsc/{kind}", *form, "--data", f"{kind}={made}")
        return answer.status

    def status(self, kind: str, phone: str, status: int, err: int = 0, secret: str = SECRET) -> int:
        """Says that a message has come to an end."""
        [row] = self.service.messages(phone=phone)
        fields = {"id": str(row["id"]), "phone": phone, "status": str(status)}
        fields |= {"time": "28.11.26 12:00:00", "ts": "1795856400", "cnt": "1", "type": "0", "cost": "1.45"}
        fields |= {"flag": "0", "sender": "12345"} | ({"err": str(err)} if err else {})
        return self.call(kind, fields, f"{row['id']}:{phone}:{status}", secret)


@pytest.fixture(scope="module")
def called(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Called]:
    work_dir = tmp_path_factory.mktemp("called")
    smpp_port, calls_port = free_ports(2)
    smsc = Smsc(HOST, smpp_port, SYSTEM_ID, SMPP_PASSWORD)
    # statuses stay what they are: what ends a message here is a call
    with running_service(work_dir, "--http-final-ms", "3600000") as service:
        config = work_dir / "gateway.yaml"
        config.write_text(configuration(service, smpp_port, calls_port), encoding="utf-8")
        with running_daemon(config, work_dir, smsc):
            wait_until(lambda: listens(calls_port), "a callback listener")
            yield Called(service, smsc, f"http://{HOST}:{calls_port}")


def configuration(service: Service, smpp_port: int, calls_port: int) -> str:
    """A connector for each hash; it is JSON, and so YAML."""
    connectors = [
        {
            "name": kind,
            "url": service.url,
            "login": LOGIN,
            "password": PASSWORD,
            "incoming_account": SYSTEM_ID,
            "callback": {"path": f"/smsc/{kind}", "secret": SECRET, "hash": kind},
        }
        for kind in HASHES
    ]
    sections = {
        "listeners": {
            "smpp": [{"address": f"{HOST}:{smpp_port}"}],
            "callbacks": [{"address": f"{HOST}:{calls_port}"}],
        },
        "accounts": [{"system_id": SYSTEM_ID, "password_hash": password_hash(SMPP_PASSWORD)}],
        "smsc_connectors": connectors,
        "routes": [{"prefix": prefix, "connectors": [kind]} for kind, prefix in PREFIXES.items()],
    }
    return json.dumps(sections)


@pytest.fixture
def client(called: Called) -> Iterator[Client]:
    with bound_client(called.smsc) as client:
        yield client


def accepted(called: Called, phone: str) -> None:
    wait_until(lambda: called.service.messages(phone=phone) != [], f"a message to {phone} at the service")


@pytest.mark.parametrize("kind", HASHES)
def test_a_call_with_the_right_hash_ends_a_message_once(called: Called, client: Client, kind: str) -> None:
    first, second = (f"{PREFIXES[kind]}00000{number}" for number in (1, 2))
    ids = [client.submit(phone) for phone in (first, second)]
    accepted(called, first)
    accepted(called, second)
    assert called.status(kind, first, 20, 255, secret="another") == 403
    assert called.status(kind, first, 1) == 200
    assert called.status(kind, first, 1) == 200
    assert called.status(kind, first, 1, secret="another") == 403
    # were one of the others taken for an end too, its receipt would come before this one
    assert called.status(kind, second, 20, 255) == 200
    delivered, failed = client.wait_for_receipts(2)
    assert delivered.startswith(f"id:{ids[0]} ") and " stat:DELIVRD err:000 " in delivered
    assert failed.startswith(f"id:{ids[1]} ") and " stat:UNDELIV err:255 " in failed


def test_a_call_may_be_json_or_xml_too(called: Called, client: Client) -> None:
    phones = [f"{PREFIXES['sha1']}10000{number}" for number in (1, 2)]
    ids = [client.submit(phone) for phone in phones]
    found = []
    for phone in phones:
        accepted(called, phone)
        [row] = called.service.messages(phone=phone)
        made = HASHES["sha1"](f"{row['id']}:{phone}:1:{SECRET}".encode())
        found.append({"id": row["id"], "phone": phone, "status": 1, "ts": 1795856400, "sha1": made})
    tags = "".join(f"<{name}>{value}</{name}>" for name, value in found[1].items())
    bodies = {"application/json": json.dumps(found[0]), "text/xml": f"<result>{tags}</result>"}
    for content_type, body in bodies.items():
        header = f"Content-Type: {content_type}; charset=utf-8"
        answer = curl(f"{called.callbacks}/smsc/sha1", "--header", header, "--data", body)
        assert answer.status == 200, answer
    receipts = client.wait_for_receipts(2)
    assert [text.split()[0] for text in receipts] == [f"id:{id}" for id in ids]
    assert all(" stat:DELIVRD " in text for text in receipts)


def test_an_sms_that_the_service_tells_of_comes_once(called: Called, client: Client) -> None:
    def tell(id: str, text: str, percent: str, secret: str = SECRET) -> int:
        """In windows-1251, which is the default; the hash is about the octets as they are sent."""
        octets = f"{client_phone}:{text}:{OWN_NUMBER}:{secret}".encode("windows-1251")
        plain = f"id={id}&phone={client_phone}&to={OWN_NUMBER}&sent=1795856400&time=1795856401"
        made = hashlib.sha1(octets).hexdigest()
        return curl(f"{called.callbacks}/smsc/sha1", "--data", f"{plain}&mes={percent}&sha1={made}").status

    client_phone = "79161234567"
    assert tell("901", "Привет", "%CF%F0%E8%E2%E5%F2", secret="another") == 403
    assert tell("901", "Привет", "%CF%F0%E8%E2%E5%F2") == 200
    assert tell("901", "Привет", "%CF%F0%E8%E2%E5%F2") == 200
    assert tell("902", "OK", "OK") == 200
    assert client.wait_for_incoming(2) == [
        (client_phone, OWN_NUMBER, "Привет"),
        (client_phone, OWN_NUMBER, "OK"),
    ]
