"""`smsc-gateway run --demo`: a gateway and a simulated SMSC on loopback, ready to be tried."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from gateway.cli import CommandError
from gateway.cli.loop import run_loop
from gateway.cli.run import serve
from gateway.config.load import load
from gateway.config.model import Config
from gateway.core.passwords import hash_password
from gateway.daemon import Daemon
from gateway.ops.listening import why_not_listening
from gateway.simulator.settings import SimulatorSettings
from gateway.simulator.simulator import Simulator

FOLDER = Path("run")
GATEWAY_PORT = 2775
SMSC_PORT = 2776
MAIL_PORT = 2525
HTTP_PORT = 8081
WEB_PORT = 8090
ACCOUNT = "demo"
USER = "admin"

_CONFIG = """\
# Made by `smsc-gateway run --demo`; change it as you like, `smsc-gateway describe-config` says what there is.
listeners:
  smpp:
    - address: 127.0.0.1:{gateway_port}
  http:
    - address: 127.0.0.1:{http_port}
  smtp:
    - address: 127.0.0.1:{mail_port}
mail:
  domains: [sms.example.org]
  # A mail server that takes reports and answers back to their mailboxes; without it none are written.
  # smarthost: {{address: '127.0.0.1:25'}}
accounts:
  - system_id: {account}
    password_hash: {password_hash}
    mail:
      networks: [127.0.0.0/8]  # who sends without a login
    http: {{}}
connectors:
  - name: simulator
    address: 127.0.0.1:{smsc_port}
    system_id: gateway
    password: {smsc_password}
routes:
  - connectors: [simulator]
web:
  address: 127.0.0.1:{web_port}
  users:
    - name: {user}
      password_hash: {password_hash}
      role: operator
"""

_WELCOME = """
smsc-gateway is running: {places}.

  account   {account}
  password  {password}   (also in {password_file})

Try in another terminal:

  {program} send --system-id {account} --password-file {password_file} \\
      --to 79991234567 --text "Hello, world"

which sends a message and waits for its receipt.  A destination that ends in 99002 comes back as
undeliverable, in 99058 is throttled once; `{program} simulate --help` lists them all.
{web}{http}{mail}
  {program} status --state-dir {folder}
  {program} queue --state-dir {folder}
  {program} message ID --state-dir {folder}

Stop with Ctrl-C.  Configuration and queue are in {folder}/; delete it to start anew.
"""

_WEB = """
All of it in a browser, as user {user} with the same password:

  {url}/
"""

_HTTP = """
In JSON, and as programs written for the SMSC service's HTTP API send:

  curl -u {account}:{password} {url}/v1/messages \\
      --json '{{"to": "79991234567", "text": "Hello, world"}}'

  curl '{url}/sys/send.php?login={account}&psw={password}&phones=79991234567&mes=Hello&fmt=3'
"""

_MAIL = """
Mail to a number becomes an SMS, and a line `mail_taken` here:

  python3 -c 'import smtplib; smtplib.SMTP("{host}", {port}).sendmail("me@example.org",
      "79991234567@{domain}", "Subject: Alert\\n\\nThe disk is nearly full")'

What a mail would become, without sending it:

  printf 'Subject: Alert\\n\\nThe disk is nearly full' | \\
      {program} preview --config {config_file} -
"""


def run_demo() -> int:
    """Prepares ./run once, then runs both ends until a signal."""
    folder = FOLDER
    config_file, password_file = folder / "config.yaml", folder / "password"
    folder.mkdir(mode=0o700, exist_ok=True)
    if not config_file.exists() or not password_file.exists():
        password = secrets.token_hex(4)  # SMPP allows 8 characters
        _write_private(password_file, password + "\n")
        text = _CONFIG.format(
            gateway_port=GATEWAY_PORT,
            mail_port=MAIL_PORT,
            http_port=HTTP_PORT,
            web_port=WEB_PORT,
            user=USER,
            smsc_port=SMSC_PORT,
            account=ACCOUNT,
            password_hash=hash_password(password),
            smsc_password=secrets.token_hex(4),
        )
        _write_private(config_file, text)
    config = load(config_file)
    connector = config.connectors[0]
    welcome = _welcome(config, config_file, password_file)

    def on_ready(daemon: Daemon) -> None:
        daemon.events.flush()
        print(welcome, flush=True)

    async def both() -> int:
        settings = SimulatorSettings(system_id=connector.system_id, password=connector.password.reveal())
        simulator = Simulator(settings)
        try:
            await simulator.start(connector.address.host, connector.address.port)
        except OSError as error:
            raise CommandError(
                f"the simulated SMSC cannot listen on {connector.address}: {why_not_listening(error)} "
                f"in {config_file}, unless another demo is running"
            ) from error
        try:
            return await serve(config, config_file, folder, on_ready)
        finally:
            await simulator.close()

    return run_loop(both)


def _welcome(config: Config, config_file: Path, password_file: Path) -> str:
    """What to try, with the ports and names that now stand in the file."""
    program = ".venv/bin/smsc-gateway" if Path(".venv/bin/smsc-gateway").exists() else "smsc-gateway"
    smpp, smsc = config.listeners.smpp[0].address, config.connectors[0].address
    password = password_file.read_text().strip()
    places, mail, http, web = f"SMPP on {smpp}", "", "", ""
    if config.listeners.http:
        address = config.listeners.http[0].address
        places += f", HTTP on {address}"
        http = _HTTP.format(url=f"http://{address}", account=ACCOUNT, password=password)
    if config.listeners.smtp and config.mail is not None:
        smtp = config.listeners.smtp[0].address
        places += f", mail on {smtp}"
        mail = _MAIL.format(
            host=smtp.host,
            port=smtp.port,
            domain=config.mail.domains[0],
            config_file=config_file,
            program=program,
        )
    if config.web is not None:
        places += f", pages on {config.web.address}"
        web = _WEB.format(user=config.web.users[0].name, url=f"http://{config.web.address}")
    return _WELCOME.format(
        places=f"{places}, simulated SMSC on {smsc}",
        account=ACCOUNT,
        password=password,
        password_file=password_file,
        folder=config_file.parent,
        program=program,
        http=http,
        mail=mail,
        web=web,
    )


def _write_private(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
