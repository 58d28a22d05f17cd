"""smppload on both sides of the gateway: it submits, plays the SMSC, and follows every message."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from free_ports import free_ports
from interop_gateway import HOST, ask, listens, running, running_daemon, wait_until
from interop_peers import Smsc
from peer_programs import missing, need

pytestmark = pytest.mark.interop

ROOT = Path(__file__).parents[2]
SOURCE = ROOT.parent / "shared" / "smppload"
SYSTEM_ID, PASSWORD = "bench", "bench-on"
RUN_TIMEOUT_S = 120
FUZZ_CASES = 300

# What no mode may change: nothing lost, nothing damaged, every receipt once and for the right message.
CLEAN: dict[str, Any] = {
    "ended": "complete",
    "rejected": 0,
    "unanswered": 0,
    "lost": 0,
    "smsc_duplicates": 0,
    "smsc_corrupt": 0,
    "smsc_malformed": 0,
    "dlr_missing": 0,
    "dlr_unmatched": 0,
    "dlr_wrong_message": 0,
    "dlr_duplicates": 0,
    "dlr_id_text_tlv_differ": 0,
    "dlr_state_mismatch": 0,
    "dlr_address_mismatch": 0,
    "smsc_dlr_refused": 0,
    "smsc_dlr_pending": 0,
}


@pytest.fixture(scope="session")
def smppload(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The tool that SMPPLOAD names, or one built from the source beside the project."""
    named = os.environ.get("SMPPLOAD")
    if named:
        return named
    if not SOURCE.is_dir():
        missing(f"smppload is neither in SMPPLOAD nor in {SOURCE}")
    make = need("make", "make")
    need("cc", "gcc")
    folder = tmp_path_factory.mktemp("smppload")
    shutil.copytree(SOURCE, folder, dirs_exist_ok=True, copy_function=shutil.copyfile)
    subprocess.run([make, "-s", "-C", str(folder)], check=True, capture_output=True)
    return str(folder / "smppload")


@contextmanager
def bench_gateway(work_dir: Path, smsc_port: int, **connector: Any) -> Iterator[Smsc]:
    """The gateway of benchmarks/gateway.yaml on free ports; `connector` changes its connector."""
    gateway = Smsc(HOST, free_ports(1)[0], SYSTEM_ID, PASSWORD)
    config = yaml.safe_load((ROOT / "benchmarks" / "gateway.yaml").read_text(encoding="utf-8"))
    config["listeners"] = {"smpp": [{**config["listeners"]["smpp"][0], "address": f"{HOST}:{gateway.port}"}]}
    config["connectors"][0] |= {"address": f"{HOST}:{smsc_port}", **connector}
    path = work_dir / "gateway.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    with running_daemon(path, work_dir, gateway):
        yield gateway


def load(smppload: str, mode: str, gateway: Smsc, options: str) -> dict[str, Any]:
    """One run of both sides (`both`) or of the clients alone (`esme`); the tool's counts."""
    command = [smppload, mode, "--target", f"{HOST}:{gateway.port}", "--system-id", SYSTEM_ID]
    command += ["--password", PASSWORD, "--dlr", "on", *options.split()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=RUN_TIMEOUT_S, check=False)
    if not done.stdout:
        pytest.fail(f"smppload ended with {done.returncode}: {done.stderr}")
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def check_clean(report: dict[str, Any], messages: int, *, except_for: tuple[str, ...] = ()) -> None:
    """Every message was accepted and is accounted for."""
    expected = {**CLEAN, "accepted": messages, "dlr_received": messages}
    found = {name: report[name] for name in expected}
    for name in except_for:
        expected[name] = found[name]
    assert found == expected, report["problems"]


def check_at_rest(work_dir: Path) -> None:
    """Once the last commit is through nothing waits any more, and nothing is in doubt."""

    def nothing_waits() -> bool:
        queue = ask(work_dir, "queue")
        return not queue.pop("upstream") and not queue.pop("downstream") and not any(queue.values())

    wait_until(nothing_waits, f"an empty queue; it is {ask(work_dir, 'queue')}")
    assert [account["open_messages"] for account in ask(work_dir, "status")["accounts"]] == [0]


# mode → the tool's options, changes of the connector, and counts of either that show that it took place
MODES: dict[str, tuple[str, dict[str, Any], tuple[str, ...]]] = {
    "default": ("--binds 4 --window 50 --messages 10000", {}, ()),
    "tx and rx pairs": ("--bind-mode tx+rx --binds 2", {}, ()),
    "pair upstream": ("--binds 4 --smsc-dlr-before-resp", {"bind_mode": "pair"}, ()),
    "ids hex": ("--smsc-id-format hex", {}, ()),
    "ids hexupper": ("--smsc-id-format hexupper", {}, ()),
    "ids uuid": ("--smsc-id-format uuid", {}, ()),
    "ids dec-resp-hex-dlr": ("--smsc-id-format dec-resp-hex-dlr", {}, ()),
    "receipt first": ("--smsc-dlr-before-resp", {}, ()),
    "receipt first, ids differ": ("--smsc-dlr-before-resp --smsc-id-format dec-resp-hex-dlr", {}, ()),
    "throttled": ("--smsc-throttle-pct 5", {}, ("smsc_throttled",)),
    "refused": ("--smsc-error-pct 5", {}, ("smsc_refused",)),
    "dropped": ("--smsc-drop-every 500", {}, ("smsc_drops",)),
    "no response": ("--smsc-no-resp-pct 1 --timeout 60 --messages 3000", {}, ("smsc_unanswered",)),
    "receipts twice": ("--smsc-dlr-dup-pct 5", {}, ("receipts_over",)),
    "receipts by text": ("--smsc-dlr-text-only --smsc-dlr-state-mix", {}, ()),
    "receipts by TLV": ("--smsc-dlr-tlv-only", {}, ()),
    "receipts by TLV, states": ("--smsc-dlr-tlv-only --smsc-dlr-state-mix", {}, ()),
    "four binds, receipt first": (
        "--binds 4 --smsc-dlr-spread --smsc-dlr-before-resp --wait-smsc-binds 4 --messages 10000",
        {"binds": 4},
        (),
    ),
    "four binds dropped": ("--smsc-drop-every 300 --smsc-dlr-spread", {"binds": 4}, ("smsc_drops",)),
    "long": ("--len 300", {}, ()),
}
DEFAULT_MESSAGES = 3_000


@pytest.mark.parametrize("mode", MODES)
def test_load_loses_nothing(mode: str, smppload: str, tmp_path: Path) -> None:
    options, connector, happened = MODES[mode]
    if "--messages" not in options:
        options += f" --messages {DEFAULT_MESSAGES}"
    smsc_port = free_ports(1)[0]
    with bench_gateway(tmp_path, smsc_port, **connector) as gateway:
        report = load(smppload, "both", gateway, f"--smsc-port {smsc_port} {options}")
        check_clean(report, report["messages"])
        check_at_rest(tmp_path)
        (counts,) = ask(tmp_path, "status")["connectors"]
        assert counts["receipts_unmatched"] == 0
        # A repeated receipt in the same batch as its first is counted with it.
        over = counts["receipts"] + counts["receipts_repeated"] - report["accepted"]
        for count in happened:
            assert {**report, "receipts_over": over}[count] > 0


def test_every_duplicate_after_a_reset_is_listed(smppload: str, tmp_path: Path) -> None:
    """Answers that a reset destroyed cannot be known: what was sent again is listed, one row each."""
    smsc_port = free_ports(1)[0]
    with bench_gateway(tmp_path, smsc_port) as gateway:
        options = f"--smsc-port {smsc_port} --messages 10000 --smsc-drop-every 500 --smsc-drop-rst"
        report = load(smppload, "both", gateway, options)
        check_clean(report, 10_000, except_for=("smsc_duplicates",))
        assert report["smsc_drops"] > 0
        listed = ask(tmp_path, "queue", "ambiguous", "--limit", "100000")
        assert report["smsc_duplicates"] <= len(listed)
        assert all(row["action"] == "resend" and row["evidence"] for row in listed)


def test_fuzzed_input_hurts_nobody(smppload: str, tmp_path: Path) -> None:
    smsc_port = free_ports(1)[0]
    smsc = [smppload, "smsc", "--smsc-port", str(smsc_port)]
    with (
        running(smsc, tmp_path / "smsc.json", lambda: listens(smsc_port)),
        bench_gateway(tmp_path, smsc_port) as gateway,
    ):
        command = [smppload, "fuzz", "--target", f"{HOST}:{gateway.port}", "--count", str(FUZZ_CASES)]
        command += ["--system-id", SYSTEM_ID, "--password", PASSWORD]
        done = subprocess.run(command, capture_output=True, text=True, timeout=RUN_TIMEOUT_S, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        # a receipt that a fuzzed submit asked for may still wait; this client gets it besides its own
        after = load(smppload, "esme", gateway, "--messages 100")
        assert (after["ended"], after["accepted"], after["dlr_missing"]) == ("complete", 100, 0)
        check_at_rest(tmp_path)
    report = json.loads(done.stdout)
    assert report["cases"] == report["still_alive"] == FUZZ_CASES
    assert report["failures"] == [] and report["hung"] == 0
    # nothing malformed taken, no answer out of order, no session closed under its pipelined requests
    assert report["remarks"] == []
