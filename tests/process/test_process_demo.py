"""`smsc-gateway run --demo` in an empty folder, and the commands that it tells people to try."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from free_ports import free_port
from journey_support import HOST, journey
from process_support import command

# The real command, but for the two ports: somebody may be using those.
_PROGRAM = """\
import sys
from gateway.cli import demo
demo.GATEWAY_PORT, demo.SMSC_PORT, demo.MAIL_PORT = {gateway_port}, {smsc_port}, {mail_port}
demo.HTTP_PORT, demo.WEB_PORT = {http_port}, {web_port}
from gateway.__main__ import main
sys.exit(main(["run", "--demo"]))
"""


class Demo:
    def __init__(self, folder: Path, process: asyncio.subprocess.Process, welcome: str, port: int) -> None:
        self.folder = folder
        self.process = process
        self.welcome = welcome
        self.port = port

    async def run(self, *arguments: str) -> tuple[int, str]:
        return await command(*arguments, cwd=self.folder)

    async def send(self, *arguments: str) -> tuple[int, str]:
        """The command of the welcome, with this test's port."""
        account = ["--system-id", "demo", "--password-file", "run/password"]
        return await self.run("send", "--connect", f"{HOST}:{self.port}", *account, *arguments)


@asynccontextmanager
async def demo(folder: Path, ports: tuple[int, int, int] | None = None) -> AsyncIterator[Demo]:
    gateway_port, smsc_port, mail_port = ports or (free_port(), free_port(), free_port())
    log = folder / "stderr"
    with log.open("a") as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            _PROGRAM.format(
                gateway_port=gateway_port,
                smsc_port=smsc_port,
                mail_port=mail_port,
                http_port=free_port(),
                web_port=free_port(),
            ),
            cwd=folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            env=os.environ | {"NOTIFY_SOCKET": ""},
        )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(20):
            lines: list[bytes] = []
            while not lines or b"start anew" not in lines[-1]:
                line = await process.stdout.readline()
                assert line, log.read_text()
                lines.append(line)
        yield Demo(folder, process, b"".join(lines).decode(), gateway_port)
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(10):
            assert await process.wait() == 0, log.read_text()
        assert "Traceback" not in log.read_text()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        process._transport.close()  # type: ignore[attr-defined]


@journey
async def test_newcomer_sends_a_message_and_sees_its_receipt(tmp_path: Path) -> None:
    async with demo(tmp_path) as it:
        assert "send --system-id demo --password-file run/password" in it.welcome
        assert (tmp_path / "run/password").read_text().strip() in it.welcome
        code, output = await it.send("--to", "79991234567", "--text", "Hello, world")
        assert code == 0, output
        accepted = re.search(r"^accepted: message_id (\d+)$", output, re.M)
        assert accepted
        assert f"receipt: message_id {accepted[1]} DELIVRD" in output

        code, output = await it.send("--to", "79990099002", "--text", "x")
        assert code == 1
        assert "UNDELIV" in output

        code, output = await it.run("message", accepted[1], "--state-dir", "run")
        assert code == 0, output
        assert output.startswith(f"{accepted[1]}  DELIVERED  to ")
        assert "79991234567" not in output
        assert "Hello" not in output
        code, output = await it.run("message", accepted[1], "--state-dir", "run", "--json")
        assert json.loads(output)["state"] == "DELIVERED"

        code, output = await it.run("status", "--state-dir", "run")
        assert code == 0
        assert output.startswith("healthy\n")
        code, output = await it.run("status", "--state-dir", "run", "--json")
        status = json.loads(output)
        assert (code, status["healthy"], status["accepted"], status["open_messages"]) == (0, True, 2, 0)
        assert status["connectors"][0]["submitted"] == 2

        code, output = await it.run("queue", "--state-dir", "run")
        assert code == 0, output
        code, output = await it.run("queue", "--state-dir", "run", "--json")
        summary = json.loads(output)
        assert (code, summary["upstream"], summary["downstream"]) == (0, [], [])
        for listing in ("waiting", "held", "ambiguous", "unmatched", "undelivered", "dead"):
            code, output = await it.run("queue", listing, "--state-dir", "run", "--json")
            assert (code, json.loads(output)) == (0, [])
        code, output = await it.run("queue", "drop", accepted[1], "--state-dir", "run")
        assert code == 1, output
        code, output = await it.run("message", "1", "--state-dir", "run")
        assert code == 1
        assert "no such message" in output
    for name in ("config.yaml", "password", "queue.sqlite3"):
        assert (tmp_path / "run" / name).stat().st_mode & 0o077 == 0, name


@journey
async def test_texts_of_all_kinds_arrive(tmp_path: Path) -> None:
    async with demo(tmp_path) as it:
        for text in ("Всё дойдёт", "🎉" * 100, "long " * 100):
            code, output = await it.send("--to", "79991234567", "--text", text)
            assert code == 0, (text, output)


async def shell(lines: str, cwd: Path) -> tuple[int, str]:
    """Runs what the welcome prints, as a person copies it."""
    process = await asyncio.create_subprocess_shell(
        lines, cwd=cwd, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode()


@journey
async def test_newcomer_sends_a_mail(tmp_path: Path) -> None:
    async with demo(tmp_path) as it:
        sends = re.search(r"^  python3 -c .*\n.*'$", it.welcome, re.M)
        assert sends, it.welcome
        assert await shell(sends[0], tmp_path) == (0, "")
        code, output = await it.run("status", "--state-dir", "run", "--json")
        assert (code, json.loads(output)["accepted"]) == (0, 1)

        preview = re.search(r"^  printf .*\\\n.* preview .* -$", it.welcome, re.M)
        assert preview, it.welcome
        program = str(Path(sys.executable).with_name("smsc-gateway"))
        code, output = await shell(preview[0].replace(" smsc-gateway ", f" {program} "), tmp_path)
        assert (code, output.splitlines()[-1]) == (0, "  | Alert: The disk is nearly full"), output
    assert re.search(r" mail_taken .* account=demo messages=1$", (tmp_path / "stderr").read_text(), re.M)


@journey
async def test_newcomer_opens_the_pages(tmp_path: Path) -> None:
    async with demo(tmp_path) as it:
        url = re.search(r"as user admin with the same password:\n\n  (http://\S+/)\n", it.welcome)
        assert url, it.welcome
        with_form = f"curl --silent --noproxy '*' -c jar -H 'Origin: {url[1][:-1]}' {url[1]}login"
        form = "--data name=admin --data-urlencode password=$(cat run/password)"
        code, output = await shell(f"{with_form} {form}", tmp_path)
        assert (code, output) == (0, "")
        code, output = await shell(f"curl --silent --noproxy '*' -b jar {url[1]}", tmp_path)
        assert code == 0 and "simulator" in output, output


@journey
async def test_newcomer_sends_over_http(tmp_path: Path) -> None:
    async with demo(tmp_path) as it:
        in_json = re.search(r"^  curl -u .*\n.*'$", it.welcome, re.M)
        as_the_service = re.search(r"^  curl '.*/sys/.*'$", it.welcome, re.M)
        assert in_json and as_the_service, it.welcome
        code, output = await shell(in_json[0].replace("curl", "curl --silent --noproxy '*'"), tmp_path)
        assert (code, json.loads(output)["parts"]) == (0, 1), output
        code, output = await shell(as_the_service[0].replace("curl", "curl --silent --noproxy '*'"), tmp_path)
        assert (code, json.loads(output)["cnt"]) == (0, 1), output
        code, output = await it.run("status", "--state-dir", "run", "--json")
        assert (code, json.loads(output)["accepted"]) == (0, 2)


@journey
async def test_a_demo_without_mail_does_not_speak_of_it(tmp_path: Path) -> None:
    ports = free_port(), free_port(), free_port()
    async with demo(tmp_path, ports):
        pass
    config = tmp_path / "run/config.yaml"
    text = re.sub(r"^  smtp:\n.*\nmail:\n(  .*\n)*", "", config.read_text(), flags=re.M)
    config.write_text(re.sub(r"^    mail:\n.*\n", "", text, flags=re.M))
    async with demo(tmp_path, ports) as it:
        assert "mail" not in it.welcome
        places = rf"SMPP on {HOST}:{ports[0]}, HTTP on {HOST}:\d+, pages on {HOST}:\d+, "
        places += rf"simulated SMSC on {HOST}:{ports[1]}\."
        assert re.search(places, it.welcome)


@journey
async def test_demo_can_be_started_again(tmp_path: Path) -> None:
    ports = free_port(), free_port(), free_port()
    async with demo(tmp_path, ports) as it:
        first = it.welcome
        code, output = await it.send("--to", "79991234567", "--text", "once")
        assert code == 0, output
        found = re.search(r"message_id (\d+)", output)
        assert found
    async with demo(tmp_path, ports) as it:
        assert it.welcome == first
        code, output = await it.send("--to", "79991234567", "--text", "twice")
        assert code == 0, output
        code, output = await it.run("message", found[1], "--state-dir", "run")
        assert "DELIVERED" in output


@journey
async def test_commands_without_a_gateway_say_so(tmp_path: Path) -> None:
    for arguments in (["status"], ["queue"], ["message", "1"]):
        code, output = await command(*arguments, "--state-dir", str(tmp_path))
        assert code == 1
        assert "no gateway is running" in output
        assert len(output.splitlines()) == 1
