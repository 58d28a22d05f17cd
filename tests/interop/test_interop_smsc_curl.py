"""curl as a client of the simulated SMSC service."""

import subprocess
from pathlib import Path

import pytest
from interop_peers import PEERS
from interop_service import ENVIRONMENT, LOGIN, PASSWORD, curl, running_service
from peer_programs import need

pytestmark = pytest.mark.interop

SCRIPT_TIMEOUT_S = 120
UNLIMITED = ("--http-limits", "0", "--http-flood-max", "0", "--http-block-after", "0")


def test_the_examples_of_the_documentation_have_its_answers_in_four_formats(tmp_path: Path) -> None:
    need("curl", "curl")
    with running_service(tmp_path, *UNLIMITED) as service:
        done = subprocess.run(
            [str(PEERS / "smsc_http.sh"), service.url],
            capture_output=True,
            text=True,
            env=ENVIRONMENT,
            timeout=SCRIPT_TIMEOUT_S,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    checked = [line for line in done.stdout.splitlines() if line.startswith("ok ")]
    assert len(checked) > 350, done.stdout
    assert done.stderr == ""


def test_the_same_request_by_another_method_and_format_is_a_duplicate(tmp_path: Path) -> None:
    me, text = f"login={LOGIN}&psw={PASSWORD}", "phones=79999999999&mes=Hello!"
    with running_service(tmp_path) as service:
        address = f"{service.url}/sys/send.php"
        assert curl(f"{address}?{me}&{text}").body == b"OK - 1 SMS, ID - 1"
        said = {fmt: curl(address, "--data", f"{me}&{text}&fmt={fmt}").body for fmt in range(4)}
        assert curl(address, "--data", f"{me}&{text}&id=2&fmt=1").body == b"2,1"
        assert [(row["id"], row["text"]) for row in service.messages()] == [(1, "Hello!"), (2, "Hello!")]
    words = "duplicate request, wait a minute"
    assert {fmt: body.decode() for fmt, body in said.items()} == {
        0: f"ERROR = 9 ({words})",
        1: "0,-9",
        2: f"<result>\n<error>{words}</error>\n<error_code>9</error_code>\n</result>",
        3: f'{{\n"error": "{words}",\n"error_code": 9\n}}',
    }
