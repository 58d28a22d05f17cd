"""The gateway's HTTP front as a process of its own, above a simulated SMSC and a simulated SMSC service."""

import hashlib
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from free_ports import free_ports
from interop_gateway import EXECUTABLE, HOST, listens, running
from interop_service import LOGIN, PASSWORD, Service, running_service

CONFIG = """\
listeners:
  http:
    - address: "{host}:{http}"
  callbacks:
    - address: "{host}:{calls}"
http:
  limits: 0
  max_requests: 1000
  max_status_requests: 1000
  block_after: 0
  seller: "Example Ltd., 1 Example Street"
accounts:
  - system_id: {login}
    password_hash: "{password_hash}"
    second_password_hash: "{md5_hash}"  # of the password's MD5, which node-smsc sends in its place
    balance: own
    prices: retail
    service_messages: true
    time_zone: Europe/Moscow
    smpp:
      allow: [wap_push, silent, class2, replace_types]
    http:
      relay: centre
      sub_accounts: true
price_lists:
  - name: retail
    currency: RUR
    file: retail.csv
connectors:
  - name: operator
    address: "{host}:{smsc}"
    system_id: gateway
    password: upstream
smsc_connectors:
  - name: centre
    url: http://{host}:{service}
    login: {login}
    password: "{password}"
    callback:
      path: /smsc/centre
      secret: front-test
routes:
  - prefix: ""
    connectors: [operator, centre]
queue:
  text_days: 1
"""
UNLIMITED = ("--http-limits", "0", "--http-flood-max", "0", "--http-block-after", "0")


def _hash_of(password: str) -> str:
    done = subprocess.run(
        [str(EXECUTABLE), "hash-password"], input=f"{password}\n", capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@contextmanager
def running_front(work_dir: Path, *, limits: str = "0", money: str = "1000") -> Iterator[Service]:
    """The gateway as the service, for login and password of the documentation; its messages end at once."""
    http, smsc, calls = free_ports(3)
    handler = f"http://{HOST}:{calls}/smsc/centre?sha1=front-test"
    with running_service(work_dir, *UNLIMITED, "--http-handler", handler) as service:
        config = work_dir / "gateway.yaml"
        text = CONFIG.format(
            host=HOST,
            http=http,
            smsc=smsc,
            calls=calls,
            service=service.url.rpartition(":")[2],
            login=LOGIN,
            password=PASSWORD,
            password_hash=_hash_of(PASSWORD),
            md5_hash=_hash_of(hashlib.md5(PASSWORD.encode(), usedforsecurity=False).hexdigest()),
        )
        config.write_text(text.replace("limits: 0", f"limits: {limits}"), encoding="utf-8")
        config.chmod(0o600)
        (work_dir / "retail.csv").write_text("prefix,price\n7,1.45\n,2\n", encoding="utf-8")
        state = work_dir / "state"
        state.mkdir(mode=0o700)
        simulate = [str(EXECUTABLE), "simulate", "--listen", f"{HOST}:{smsc}"]
        gateway = [str(EXECUTABLE), "run", "--config", str(config), "--state-dir", str(state)]
        with (
            running(simulate, work_dir / "smsc.log", lambda: listens(smsc)),
            running(gateway, work_dir / "gateway.log", lambda: listens(http)),
        ):
            credit = ["account", "credit", LOGIN, money, "--note", "a test", "--state-dir", str(state)]
            subprocess.run([str(EXECUTABLE), *credit], check=True, capture_output=True)
            yield Service(f"http://{HOST}:{http}")
