"""Canaries: a secret at each place that takes one, texts by each way in, faults, a crash.  Then all that was
written, and what can be seen of the processes, is searched for them.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from urllib.parse import quote

import process_support
import pytest
from free_ports import free_port
from journey_support import HOST, SYSTEM_ID, Client, simulated_smsc, submit_sm
from mail_journey_support import DOMAIN, MailClient, mail, to
from process_support import GatewayProcess, command

from gateway.core.api_keys import hash_key
from gateway.core.passwords import hash_password
from gateway.simulator import Simulator
from protocols.smpp import constants as c
from protocols.smpp import tlv
from protocols.smpp.codec import encode
from protocols.smpp.pdu import BindTransceiver, DeliverSm

PATIENCE_S = 60.0
SECRETS = {
    "account": "cnryAcc1",
    "wrong": "cnryBad2",
    "smsc": "cnrySms3",
    "outbind": "cnryOut4",
    "api_key": "canary-api-key-5",
    "webhook": "canary-webhook-secret-6",
    "login": "canary-service-password-7",
    "callback": "canary-callback-secret-8",
    "smarthost": "canary-smarthost-password-9",
    "second": "cnrySec0",
}
"""Place → what is written there; `wrong` is what somebody tries."""
TEXTS = {
    "smpp": "canarytext over smpp",
    "long": "canarytext in parts " * 20,
    "malformed": "canarytext malformed",
    "service": "canarytext by the service api",
    "json": "canarytext in json",
    "bad_json": "canarytext in what is no json",
    "mail": "canarytext in a mail",
    "subject": "canarytext in a subject",
    "up": "canarytext from a subscriber",
}
CANARY = re.compile("|".join(["canarytext", *map(re.escape, SECRETS.values())]).encode())

FAULT = "79160000666"
"""A message to this number makes the gateway fail with its text in the error."""

FAULTY = """\
#!{python}
import sys
from gateway.__main__ import main
from gateway.core.submission import Submission

decide = Submission._decide

def faulty(self, account, draft, *rest):
    if draft.destination == "{fault}":
        text = "canary" + "text of a fault"
        raise KeyError(text)
    return decide(self, account, draft, *rest)

Submission._decide = faulty
sys.exit(main())
"""

CONFIG = """\
listeners:
  smpp: [{{address: '{host}:{port}'}}]
  smtp: [{{address: '{host}:{smtp}'}}]
  http: [{{address: '{host}:{http}'}}]
  callbacks: [{{address: '{host}:{callbacks}'}}]
accounts:
  - system_id: {system_id}
    password_hash: {password_hash}
    second_password_hash: {second_hash}
    api_keys: [{api_key}]
    mail: {{networks: [127.0.0.0/8], report: always}}
    http: {{}}
  - system_id: hooked
    password_hash: {password_hash}
    http: {{webhook: 'http://{host}:{nobody}/', webhook_secret: {{file: webhook}}}}
  - system_id: waits
    password_hash: {password_hash}
    smpp: {{outbind: {{address: '{host}:{nobody}', password: {{file: outbind}}}}}}
connectors:
  - name: smsc
    address: {host}:{smsc_port}
    system_id: gateway
    password: {{env: CANARY_SMSC}}
    reconnect_max_s: 0.2
    incoming_account: {system_id}
  - name: refuses
    address: {host}:{smsc_port}
    system_id: stranger
    password: {{env: CANARY_SMSC}}
smsc_connectors:
  - name: centre
    url: http://{host}:{nobody}
    login: gateway
    password: {{credential: login}}
    callback: {{path: /centre, secret: {{file: callback}}}}
mail:
  domains: [{domain}]
  smarthost: {{address: '{host}:{nobody}', tls: required, username: me, password: {{file: smarthost}}}}
http: {{call_networks: [127.0.0.0/8]}}
routes:
  - connectors: [smsc]
log: {{format: {form}, level: debug}}
"""


class Watched:
    """A gateway whose every output is kept, with a port for each way in."""

    def __init__(self, gateway: GatewayProcess, smsc_port: int) -> None:
        self.gateway = gateway
        self.smtp, self.http, self.callbacks, self.nobody = (free_port() for _ in range(4))
        self.said: dict[str, bytes] = {}
        """What programs and answers of the gateway said."""
        self._smsc_port = smsc_port
        folder = gateway.folder
        (folder / "credentials").mkdir()
        for name in ("webhook", "outbind", "callback", "smarthost"):
            self._write_private(folder / name, SECRETS[name])
        self._write_private(folder / "credentials" / "login", SECRETS["login"])
        self.environment = {
            "CANARY_SMSC": SECRETS["smsc"],
            "CREDENTIALS_DIRECTORY": str(folder / "credentials"),
        }

    def _write_private(self, path: Path, text: str) -> None:
        path.write_text(text)
        path.chmod(0o600)

    def configure(self, form: str, **others: str) -> None:
        values = {
            "host": HOST,
            "port": self.gateway.port,
            "smtp": self.smtp,
            "http": self.http,
            "callbacks": self.callbacks,
            "nobody": self.nobody,
            "system_id": SYSTEM_ID,
            "password_hash": hash_password(SECRETS["account"]),
            "second_hash": hash_password(SECRETS["second"]),
            "api_key": hash_key(SECRETS["api_key"]),
            "smsc_port": self._smsc_port,
            "domain": DOMAIN,
            "form": form,
        }
        self.gateway.config.write_text(CONFIG.format(**values, **others))
        self.gateway.config.chmod(0o600)

    async def until(self, is_so: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not is_so():  # noqa: ASYNC110 - a log file is nothing that wakes
                await asyncio.sleep(0.02)

    async def asks(self, name: str, *arguments: str) -> None:
        """A command of the command line."""
        code, output = await command(*arguments, **self.environment)
        self.said[f"{name} (exit {code})"] = output.encode()

    async def requests(self, name: str, request: str, body: str = "", **fields: str) -> bytes:
        """One request over HTTP, and all that comes back."""
        reader, writer = await asyncio.open_connection(HOST, self.http)
        head = [f"{request} HTTP/1.1", "Host: x", "Connection: close", f"Content-Length: {len(body)}"]
        head += [f"{key.replace('_', '-')}: {value}" for key, value in fields.items()]
        writer.write("\r\n".join([*head, "", body]).encode())
        async with asyncio.timeout(PATIENCE_S):
            answer = await reader.read()
        writer.close()
        self.said[name] = answer
        return answer

    def processes(self) -> dict[int, str]:
        """The gateway's, by pid: the command line of each."""
        pids = [self.gateway.process.pid]
        for pid in pids:
            for children in Path(f"/proc/{pid}/task").glob("*/children"):
                pids += map(int, children.read_text().split())
        return {pid: Path(f"/proc/{pid}/cmdline").read_text() for pid in pids}

    def seen_of_processes(self) -> dict[str, bytes]:
        """What others may read of them in /proc; what the gateway itself was started with, only root may."""
        seen = {}
        for pid in self.processes():
            seen[f"/proc/{pid}/cmdline"] = Path(f"/proc/{pid}/cmdline").read_bytes()
            if pid != self.gateway.process.pid:
                with contextlib.suppress(PermissionError):  # for whoever is not root
                    seen[f"/proc/{pid}/environ"] = Path(f"/proc/{pid}/environ").read_bytes()
        return seen


@contextlib.asynccontextmanager
async def watched(folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Watched, Simulator]]:
    faulty = folder / "faulty"
    faulty.write_text(FAULTY.format(python=sys.executable, fault=FAULT))
    faulty.chmod(0o700)
    monkeypatch.setattr(process_support, "EXECUTABLE", str(faulty))
    monkeypatch.setattr(GatewayProcess, "program", str(faulty))
    async with simulated_smsc(system_id="gateway", password=SECRETS["smsc"]) as smsc:
        gateway = GatewayProcess(folder / "gateway", smsc.port)
        it = Watched(gateway, smsc.port)
        it.configure("text")
        await gateway.start(**it.environment)
        try:
            yield it, smsc
        finally:
            if gateway.process.returncode is None:
                gateway.process.kill()
                await gateway.process.wait()
            gateway.close()


async def over_smpp(it: Watched, smsc: Simulator) -> None:
    client = await bound(it, SECRETS["account"])
    await client.submit(text=TEXTS["smpp"].encode())
    await client.submit(tlvs=((tlv.MESSAGE_PAYLOAD, TEXTS["long"].encode()),), text=b"")
    await client.receipt()
    smsc.deliver(
        DeliverSm(source_addr="79990000001", destination_addr="12345", short_message=TEXTS["up"].encode()),
        "gateway",
    )
    while (await client.delivery()).short_message != TEXTS["up"].encode():
        pass
    await client.unbind()
    for wrong in ({"system_id": SYSTEM_ID}, {"system_id": "nobody"}):
        stranger = await connected(it)
        assert await stranger.bind(password=SECRETS["wrong"], **wrong) != c.ESME_ROK
        stranger.transport.abort()
    malformed = await bound(it, SECRETS["second"])
    octets = bytearray(encode(submit_sm(text=TEXTS["malformed"].encode(), sequence_number=77)))
    octets[octets.index(TEXTS["malformed"].encode()) - 1] = 250  # sm_length
    malformed.transport.write(octets)
    fails = await bound(it, SECRETS["account"])
    fails.transport.write(encode(submit_sm(FAULT, sequence_number=78)))
    await it.until(lambda: " fault " in it.gateway.log)
    for client in (malformed, fails):
        client.transport.abort()


async def bound(it: Watched, password: str) -> Client:
    client = await connected(it)
    assert await client.bind(BindTransceiver, password=password) == c.ESME_ROK
    return client


async def connected(it: Watched) -> Client:
    loop = asyncio.get_running_loop()
    _, client = await loop.create_connection(Client, HOST, it.gateway.port)
    return client


async def over_http(it: Watched) -> None:
    good = "Basic " + base64.b64encode(f"{SYSTEM_ID}:{SECRETS['account']}".encode()).decode()
    bad = "Basic " + base64.b64encode(f"{SYSTEM_ID}:{SECRETS['wrong']}".encode()).decode()
    key, other_key = f"Bearer {SECRETS['api_key']}", f"Bearer {SECRETS['wrong']}"
    send = f"GET /sys/send.php?login={SYSTEM_ID}&phones=79160000001&mes={quote(TEXTS['service'])}"
    assert b"OK" in await it.requests("send.php", f"{send}&psw={SECRETS['account']}")
    await it.requests("send.php refused", f"{send}&psw={SECRETS['wrong']}")
    await it.requests("send.php fault", f"{send.replace('79160000001', FAULT)}&psw={SECRETS['account']}")
    message = json.dumps({"to": "79160000002", "text": TEXTS["json"]})
    for name, authorization in (("good", good), ("key", key), ("bad", bad), ("bad key", other_key)):
        for form, body in (("json", message), ("no json", TEXTS["bad_json"]), ("fault", message)):
            sent = body.replace("79160000002", FAULT) if form == "fault" else body
            type_ = {"Content_Type": "application/json"}
            await it.requests(
                f"v1 {name} {form}", "POST /v1/messages", sent, Authorization=authorization, **type_
            )
    assert b" 202 " in it.said["v1 key json"] or b" 201 " in it.said["v1 key json"], it.said["v1 key json"]
    hooked = "Basic " + base64.b64encode(f"hooked:{SECRETS['account']}".encode()).decode()
    await it.requests(
        "v1 hooked", "POST /v1/messages", message, Authorization=hooked, Content_Type="application/json"
    )
    await it.until(lambda: "call_failed" in it.gateway.log)
    await it.requests("document", "GET /v1/openapi.json", Authorization=good)
    await it.requests("nowhere", f"GET /{SECRETS['wrong']}", Authorization=good)


async def over_mail(it: Watched) -> None:
    reader, writer = await asyncio.open_connection(HOST, it.smtp)
    client = MailClient(reader, writer, each=False)
    await client.reply()
    await client.hello()
    token = base64.b64encode(f"\0{SYSTEM_ID}\0{SECRETS['wrong']}".encode()).decode()
    it.said["AUTH"] = (await client.say(f"AUTH PLAIN {token}")).encode()
    letter = mail(TEXTS["mail"], f"Subject: {TEXTS['subject']}")
    assert (await client.send(letter)).startswith("250")
    [reads] = (pid for pid, line in it.processes().items() if "mail_worker" in line)
    os.kill(reads, signal.SIGABRT)
    await it.until(lambda: "mail_reader_died" in it.gateway.log)
    it.said["fault by mail"] = (await client.send(letter, *to(FAULT))).encode()
    assert (await client.send(letter, *to("79160000003"))).startswith("250")
    client.hang_up()


async def by_the_command_line(it: Watched) -> None:
    state, config = ["--state-dir", str(it.gateway.state_dir)], ["--config", str(it.gateway.config)]
    await it.asks("check-config", "check-config", *config)
    await it.asks("status", "status", *state)
    await it.asks("status --json", "status", *state, "--json")
    await it.asks("queue", "queue", *state, "--json")
    await it.asks("find", "message", "find", "--account", SYSTEM_ID, "--full", *state, "--json")
    await it.asks("export", "export", *state, "--json")
    await it.asks("reload", "reload", *state)
    note = TEXTS["up"]
    await it.asks("credit", "account", "credit", SYSTEM_ID, "5", "--note", note, *state)
    await it.asks("blacklist", "blacklist", "add", "79160000555", "--why", note, *state)
    task = ["--account", SYSTEM_ID, "--to", "79160000444", "--failure", note]
    await it.asks("ping-task", "ping-task", "add", "alarm", *task, *state)
    await it.asks("trace", "trace", "--account", "nobody", "--for", "1s", *state)
    await it.asks("audit", "audit", *state, "--json")
    rows = json.loads(it.said["audit (exit 0)"])
    kinds = {"export", "find", "reload", "account_credit", "blacklist_add", "ping_task_add", "trace"}
    assert kinds <= {row["action"] for row in rows}
    assert "signal" in {row["origin"] for row in rows}  # the SIGHUP before
    assert b"79160000555" not in it.said["audit (exit 0)"]


def written(folder: Path) -> dict[str, bytes]:
    """All files but the store and those in which the test itself has put secrets."""
    return {
        str(path): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
        and path.name not in ("webhook", "outbind", "callback", "smarthost", "login")
        and not path.name.startswith("queue.sqlite3")
    }


@pytest.mark.timeout(300)
def test_security_38_canaries_are_nowhere_to_be_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        async with watched(tmp_path, monkeypatch) as (it, smsc):
            gateway = it.gateway
            await over_smpp(it, smsc)
            await over_http(it)
            await over_mail(it)
            # the same in the other form of the log, beside what a reload says of changed secrets
            it.configure("json")
            (gateway.folder / "webhook").write_text(SECRETS["webhook"] + "-new")
            gateway.process.send_signal(signal.SIGHUP)
            await it.until(lambda: '"reloaded"' in gateway.log)
            await over_smpp(it, smsc)
            await over_http(it)
            await by_the_command_line(it)
            outside = it.seen_of_processes()
            assert sum("cmdline" in name for name in outside) == 3, outside.keys()
            gateway.process.send_signal(signal.SIGABRT)
            assert await gateway.ended() == -signal.SIGABRT
        told = {**it.said, **outside, **written(tmp_path)}
        assert [name for name, octets in told.items() if CANARY.search(octets)] == []
        assert not any("core" in Path(name).name for name in told)
        # what was provoked has happened
        log = gateway.log
        for word in (
            "fault",
            "bad_input",
            "bind_refused",
            "login_refused",
            "mail_reader_died",
            "http_refused",
        ):
            assert word in log, word
        assert log.count("Fatal Python error: Aborted") == 2

    asyncio.run(run())
