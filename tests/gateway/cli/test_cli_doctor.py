"""smsc-gateway doctor: configuration, the gateway's own word, routes, the message, and what is printed."""

from __future__ import annotations

import fcntl
import json
import os
import re
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from doctor_support import CONFIG, answering, found, looking, outcomes, silent_tool
from free_ports import free_port

from gateway.__main__ import main
from gateway.cli import doctor
from gateway.cli.doctor import configuration, routes, trial
from gateway.cli.doctor.checks import CHECKS
from gateway.cli.doctor.gateway_state import GatewayState, Running, look_at_gateway
from gateway.cli.doctor.look import Look
from gateway.cli.doctor.machine import Machine
from gateway.cli.doctor.results import Finding, Outcome
from gateway.cli.doctor.running import within
from gateway.simulator import Simulator

NEXT = {"failed", "warned"}


# -- configuration -----------------------------------------------------------------------------------


def test_each_mistake_is_told_with_its_place_and_fix(tmp_path: Path) -> None:
    look = looking(tmp_path, CONFIG.replace("system_id: gateway, ", ""))
    assert look.config is None
    findings = found("configuration", look)
    assert outcomes(findings) == ["failed", "skipped"]
    assert findings[0].subject == f"{look.config_file}:3:14"
    assert "system_id" in findings[0].found and findings[0].next


def test_who_may_not_read_it_is_told_to_be_somebody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = looking(tmp_path, "nonsense: 1\n")
    look.problems = [replace(look.problems[0], text="cannot be read: Permission denied")]
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    finding = found("configuration", look)[0]
    assert (finding.outcome.value, finding.found) == ("failed", "you may not read it")
    assert finding.next == "run doctor as root or as the gateway's user"


def test_many_mistakes_are_cut(tmp_path: Path) -> None:
    look = looking(tmp_path, CONFIG + "".join(f"nonsense{number}: 1\n" for number in range(20)))
    findings = found("configuration", look)
    assert len(findings) == configuration.MOST + 2
    assert (findings[-2].found, "check-config" in findings[-2].next) == ("12 more like these", True)


def test_warnings_of_check_config_are_warnings_here(tmp_path: Path) -> None:
    other = "connectors: [{name: idle, address: '127.0.0.1:3', system_id: gw, password: pass-2}, {name: up"
    findings = found("configuration", looking(tmp_path, CONFIG.replace("connectors: [{name: up", other)))
    assert outcomes(findings) == ["passed", "warned", "skipped"]
    assert "no route names 'idle'" in findings[1].found


def plan(*keys: str, restart: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    return {"changes": [{"key": key} for key in keys], "restart_needed": restart, **more}


@pytest.mark.parametrize(
    ("answer", "outcome", "words", "what_next"),
    [
        (plan(), "passed", "nothing has changed", ""),
        (plan("a", "b", "c", "d"), "warned", "since: a, b, c and 1 more", "smsc-gateway reload --diff"),
        (plan("listeners", restart=("listeners",)), "warned", "listeners", "restart smsc-gateway"),
        (plan(problems=[{"text": "x"}]), "failed", "finds mistakes", "owner and mode"),
    ],
)
def test_whether_the_gateway_has_taken_it_over(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    answer: dict[str, Any],
    outcome: str,
    words: str,
    what_next: str,
) -> None:
    monkeypatch.setattr(configuration, "ask", lambda state_dir, command, diff: answer)
    finding = found("configuration", looking(tmp_path, gateway=answering()))[-1]
    assert finding.outcome.value == outcome
    assert words in finding.found
    assert what_next in finding.next


def test_a_gateway_with_another_file_is_told(tmp_path: Path) -> None:
    process = tmp_path / "proc/77"
    process.mkdir(parents=True)
    (process / "cwd").symlink_to(tmp_path)
    machine = Machine(tool=silent_tool, proc=tmp_path / "proc")
    for words, expected in (
        ("python|smsc-gateway|run|--config|other.yaml|", tmp_path / "other.yaml"),
        ("python|smsc-gateway|run|--config=/x/y.yaml|", Path("/x/y.yaml")),
        ("python|smsc-gateway|run|", Path("/etc/smsc-gateway/config.yaml")),
        ("python|smsc-gateway|run|--demo|", None),
    ):
        (process / "cmdline").write_text(words.replace("|", "\0"))
        look = looking(tmp_path, machine=machine, gateway=answering(pid=77))
        assert configuration._file_of_process(look) == expected
    (process / "cmdline").write_text("run\0--config\0other.yaml\0")
    finding = found("configuration", look)[-1]
    assert (finding.outcome.value, f"--config {tmp_path}/other.yaml" in finding.next) == ("warned", True)


# -- the gateway -------------------------------------------------------------------------------------


def of_gateway(tmp_path: Path, gateway: GatewayState, unit: str = "") -> list[Finding]:
    machine = Machine(tool=lambda *command: unit or None)
    return found("gateway", looking(tmp_path, gateway=gateway, machine=machine))


def test_a_gateway_that_is_well_passes(tmp_path: Path) -> None:
    findings = of_gateway(tmp_path, answering(pid=7, up_s=90, open_messages=1))
    assert [it.found for it in findings] == [
        "runs, process 7, up 0:01:30, 1 open message",
        "it knows of none",
    ]


def test_each_problem_fails_with_what_to_do_and_those_of_connectors_are_told_by_binds(tmp_path: Path) -> None:
    problems = [
        "connector up is refused: x",
        "the machine's clock is 400 s ahead of the gateway's, which has not leapt: set it",
        "the store cannot write: SQLITE_FULL",
        "3 letters died within a day: smsc-gateway deadletters list",
    ]
    findings = of_gateway(tmp_path, answering(problems=problems))[1:]
    assert [(it.outcome.value, it.found) for it in findings] == [("failed", text) for text in problems[2:]]
    assert "free some space" in findings[0].next
    assert "deadletters replay" in findings[1].next


@pytest.mark.parametrize(
    ("unit", "outcome", "what_next"),
    [
        ("", "warned", "start it"),
        ("LoadState=not-found\n", "warned", "start it"),
        (
            "LoadState=loaded\nActiveState=failed\nResult=exit-code\nExecMainStatus=78\n",
            "failed",
            "journalctl",
        ),
        ("LoadState=loaded\nActiveState=activating\nNRestarts=0\n", "warned", "wait a moment"),
        (
            "LoadState=loaded\nActiveState=activating\nNRestarts=7\nExecMainStatus=1\n",
            "failed",
            "why it ends",
        ),
        ("LoadState=loaded\nActiveState=inactive\nUnitFileState=enabled\n", "warned", "systemctl start"),
        ("LoadState=loaded\nActiveState=inactive\nUnitFileState=disabled\n", "warned", "enable --now"),
    ],
)
def test_without_a_gateway_its_unit_says_why(tmp_path: Path, unit: str, outcome: str, what_next: str) -> None:
    [finding] = of_gateway(tmp_path, GatewayState(Running.NOT), unit)
    assert (finding.outcome.value, what_next in finding.next) == (outcome, True)


def test_a_gateway_that_says_nothing_fails_and_one_of_another_user_warns(tmp_path: Path) -> None:
    [silent] = of_gateway(tmp_path, GatewayState(Running.SILENT, "it has not answered within 5 s"))
    assert (silent.outcome.value, "systemctl restart" in silent.next) == ("failed", True)
    [other] = of_gateway(tmp_path, GatewayState(Running.FORBIDDEN, "it is not yours"))
    assert (other.outcome.value, "as root" in other.next) == ("warned", True)


def test_a_directory_whose_lock_nobody_holds_has_no_gateway(tmp_path: Path) -> None:
    assert look_at_gateway(tmp_path / "none").running is Running.NOT
    (tmp_path / "lock").touch()
    assert look_at_gateway(tmp_path).running is Running.NOT
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]


def test_a_lock_that_is_held_means_a_gateway_that_does_not_answer(tmp_path: Path) -> None:
    with (tmp_path / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        state = look_at_gateway(tmp_path)
    assert (state.running, state.may_run) == (Running.SILENT, True)


def test_a_pipe_in_place_of_the_lock_is_not_waited_for_and_nobody_binds(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "lock")
    state = within(60, lambda: look_at_gateway(tmp_path))
    assert (state.running, state.may_run) == (Running.FORBIDDEN, True)


def test_a_configuration_that_cannot_be_read_in_time_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo(tmp_path / "config.yaml")
    options = ["--config", str(tmp_path / "config.yaml"), "--state-dir", str(tmp_path / "none")]
    assert main(["doctor", *options, "--timeout", "0.05"]) == 1
    assert "could not be read within 0.05 s" in capsys.readouterr().err


def test_a_directory_that_you_may_not_look_into_says_nothing_of_a_gateway(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object, **options: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("gateway.cli.daemon_client.os.open", refuse)
    state = look_at_gateway(tmp_path)
    assert (state.running, state.may_run) == (Running.FORBIDDEN, True)


def test_a_gateway_that_hangs_is_not_waited_for(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as hanging:
        hanging.bind(str(tmp_path / "control.sock"))
        hanging.listen()
        state = look_at_gateway(tmp_path, seconds=0.05)
    assert (state.running, state.pid, state.uid) == (Running.SILENT, os.getpid(), os.geteuid())


# -- routes ------------------------------------------------------------------------------------------


def route(tmp_path: Path, answer: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> Finding:
    monkeypatch.setattr(routes, "ask", answer)
    [finding] = found("routes", looking(tmp_path, gateway=answering(), numbers=["79991234567"]))
    return finding


def told(account: str, state: str = "linked") -> dict[str, Any]:
    return {
        "refused": None,
        "route": "all",
        "connectors": [{"name": "up", "state": state}],
        "message": {"account": account},
    }


def test_the_way_of_a_number_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finding = route(tmp_path, lambda *_, account, **__: told(account), monkeypatch)
    assert (finding.outcome.value, finding.found) == ("passed", "route all, by up")
    for_app = route(
        tmp_path, lambda *_, account, **__: told(account) if account else {"refused": "no_route"}, monkeypatch
    )
    assert for_app.found == "account app, route all, by up"
    down = route(tmp_path, lambda *_, account, **__: told(account, "down"), monkeypatch)
    assert (down.outcome.value, "has no link: it waits" in down.found) == ("warned", True)
    refused = route(tmp_path, lambda *_, **__: {"refused": "no_route"}, monkeypatch)
    assert (refused.outcome.value, refused.found) == ("failed", "refused: no_route")
    assert "route explain --to 79991234567" in refused.next


def test_routes_hold_by_the_state_of_a_gateway(tmp_path: Path) -> None:
    assert outcomes(found("routes", looking(tmp_path, numbers=["79991234567"]))) == ["skipped"]
    assert outcomes(found("routes", looking(tmp_path))) == ["skipped"]


# -- the message -------------------------------------------------------------------------------------


def stuck(look: Look) -> str:
    finding = trial._try(look, 60.0)
    assert finding.outcome is Outcome.FAILED
    assert not list(Path(trial.tempfile.gettempdir()).glob("smsc-gateway-doctor-*"))
    return finding.found


def test_a_trial_that_goes_no_further_says_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(trial.tempfile, "tempdir", str(tmp_path / "tmp"))
    look = looking(tmp_path)
    monkeypatch.setattr(trial, "_CONFIG", "nonsense: {{}}\n")
    assert stuck(look).startswith("the gateway did not start: ")
    monkeypatch.setattr(trial.sys, "executable", "/nonexistent/python")
    assert "No such file" in stuck(look)


def test_what_would_begin_when_all_has_ended_does_not(tmp_path: Path) -> None:
    ended: list[str] = []
    ends = trial._Ends()
    assert ends.start(lambda: "first", ended.append) == "first"
    assert ends.start(lambda: "second", ended.append) == "second"
    ends.close()
    ends.close()
    assert ended == ["second", "first"]
    with pytest.raises(trial._Stuck):
        ends.start(lambda: "late", ended.append)
    assert ended == ["second", "first"]


@pytest.mark.parametrize(("load", "outcome"), [(9.0, "warned"), (0.5, "failed")])
def test_what_is_late_on_a_busy_machine_need_not_be_broken(tmp_path: Path, load: float, outcome: str) -> None:
    look = looking(tmp_path, machine=Machine(tool=silent_tool, load=lambda: load))
    assert trial._try(look, 0.0).outcome.value == outcome


# -- the command -------------------------------------------------------------------------------------

QUICK = "configuration,gateway,files,store,dns,tls,binds,smarthost,callbacks,clock,limits,ports,pages,routes"


def run(look: Look, capsys: pytest.CaptureFixture[str], *options: str, only: str = QUICK) -> tuple[int, str]:
    capsys.readouterr()
    arguments = ["doctor", "--config", str(look.config_file), "--state-dir", str(look.state_dir)]
    code = main([*arguments, "--only", only, "--timeout", "120", *options])
    return code, capsys.readouterr().out


def test_one_object_of_json_has_every_finding(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], start_simulator: Callable[..., Simulator]
) -> None:
    simulator = start_simulator(system_id="gateway", password="pass-1")
    text = CONFIG.replace("127.0.0.1:2'", f"127.0.0.1:{simulator.port}'")
    code, out = run(looking(tmp_path, text, free_port()), capsys, "--json")
    report = json.loads(out)
    assert report.keys() == {"gateway", "exit_code", "counts", "results"}
    assert (code, report["exit_code"], report["gateway"]) == (0, 0, "not running")
    assert report["counts"].keys() == {"passed", "warned", "failed", "skipped"}
    assert sum(report["counts"].values()) == len(report["results"])
    for result in report["results"]:
        assert result.keys() == {"check", "subject", "outcome", "found", "next"}
        assert result["check"] in CHECKS and result["found"]
        assert all(isinstance(value, str) for value in result.values())
        assert result["next"] or result["outcome"] not in NEXT
    assert "pass-1" not in out


def test_people_read_lines_by_check_and_a_sum(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    look = looking(tmp_path)
    look.state_dir.chmod(0o750)
    code, out = run(look, capsys, only="files,smarthost,binds")
    lines = out.splitlines()
    assert code == 1
    assert lines[0] == f"gateway on {look.state_dir}: not running"
    assert lines[2].startswith("files          passed   configuration's files: ")
    assert lines[3] == f"               warned   {look.state_dir}: others may look into it (mode 0750)"
    assert lines[4] == f"                        next: chmod 0700 {look.state_dir}"
    assert lines[5].startswith("binds          failed   up (127.0.0.1:2): ")
    assert lines[-1] == "1 failed, 1 warned, 1 passed, 1 skipped"
    code, out = run(look, capsys, "--problems", only="files,smarthost,binds")
    assert "passed   " not in out and "skipped  " not in out
    assert "1 failed, 1 warned, 1 passed, 1 skipped" in out


def test_a_gateway_that_says_other_things_of_itself_hides_no_other_check(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger = GatewayState(Running.ANSWERS, "", {"connectors": [{"connector": "up"}]})
    monkeypatch.setattr("gateway.cli.doctor.gateway_state.look_at_gateway", lambda state_dir: stranger)
    code, out = run(looking(tmp_path), capsys, "--json", only="binds,limits")
    results = json.loads(out)["results"]
    assert (code, [it["found"] for it in results if it["check"] == "binds"]) == (
        1,
        ["the check itself broke (KeyError)"],
    )
    assert "limits" in {it["check"] for it in results}


def test_warnings_alone_are_no_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    look = looking(tmp_path)
    look.state_dir.chmod(0o750)
    assert run(look, capsys, only="files")[0] == 0


def test_without_a_readable_configuration_the_rest_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    look = looking(tmp_path)
    look.config_file.write_text("listeners: [\n")
    code, out = run(look, capsys, "--json", only="limits,dns")
    results = json.loads(out)["results"]
    assert code == 78
    assert {it["check"]: it["outcome"] for it in results if it["check"] != "limits"} == {
        "configuration": "skipped",
        "dns": "skipped",
    }
    assert results[0]["outcome"] == "failed"
    assert len([it for it in results if it["check"] == "limits"]) >= 2


@pytest.mark.parametrize("options", [["--only", "nonsense"], ["--only", ","], ["--timeout", "0"]])
def test_wrong_usage_is_told(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", *options]) == 2
    assert "smsc-gateway doctor: --" in capsys.readouterr().err


def test_the_help_names_every_check_with_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["doctor", "--help"])
    text = capsys.readouterr().out
    assert all(re.search(rf"^  {name} +\S", text, re.M) for name in CHECKS)
    assert "examples:\n  smsc-gateway doctor\n" in text


def test_what_it_started_ends_with_it_whatever_ends_it() -> None:
    ended = []
    with pytest.raises(KeyboardInterrupt), doctor._ending() as at_exit:
        at_exit.append(lambda: ended.append(1))
        raise KeyboardInterrupt
    assert ended == [1]
