"""smsc-gateway import-config."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from gateway.__main__ import main
from gateway.config.load import load
from gateway.core.passwords import verify

VECTORS = Path(__file__).parents[2] / "vectors" / "import"
FILES = sorted([*(VECTORS / "kannel").glob("*.conf"), *(VECTORS / "jasmin").glob("*.txt")])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_what_comes_of_it_has_no_mistakes(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "config.yaml"
    assert main(["import-config", str(path), "--output", str(output)]) == 0
    assert main(["check-config", "--config", str(output)]) == 0
    assert f"{path}:" in capsys.readouterr().err


def test_passwords_go_into_files_of_their_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "config.yaml"
    source = VECTORS / "kannel" / "operators.conf"
    assert main(["import-config", str(source), "--output", str(output)]) == 0
    folder = tmp_path / "config.yaml.secrets"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.name for path in folder.iterdir()} == {
        f"{name}.password" for name in ("north", "south", "two-ports", "two-ports-rx")
    }
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in folder.iterdir())
    assert output.stat().st_mode & 0o777 == 0o640 & ~umask()
    assert "nOrth-1" not in output.read_text()
    config = load(output)
    assert config.connectors[0].password.reveal() == "nOrth-1"
    assert verify("shop-pw", config.accounts[0].password_hash.reveal())
    streams = capsys.readouterr()
    assert "nOrth-1" not in streams.out + streams.err
    assert "3 accounts, 4 connectors, 7 routes, 0 incoming" in streams.err


def umask() -> int:
    import os

    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_without_an_output_it_is_printed_with_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import-config", str(VECTORS / "kannel" / "balanced.conf")]) == 0
    streams = capsys.readouterr()
    assert streams.out.startswith("# Made by `smsc-gateway import-config` from balanced.conf (kannel).")
    assert "password: a1" in streams.out
    assert "keep it from others" in streams.err


def test_what_is_there_already_is_not_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "config.yaml"
    output.write_text("mine")
    source = VECTORS / "jasmin" / "script.txt"
    assert main(["import-config", str(source), "--output", str(output)]) == 1
    assert output.read_text() == "mine"
    assert "is there already" in capsys.readouterr().err


def test_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = VECTORS / "jasmin" / "script.txt"
    assert main(["import-config", str(source), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["accounts"], answer["connectors"], answer["routes"], answer["incoming"]) == (2, 2, 4, 1)
    assert answer["problems"] == []
    assert {"file", "line", "key", "text"} == set(answer["notes"][0])
    assert answer["config"].startswith("# Made by")
    output = tmp_path / "config.yaml"
    assert main(["import-config", str(source), "--json", "--output", str(output)]) == 0
    assert json.loads(capsys.readouterr().out)["output"] == str(output)


def test_files_and_folders_are_included(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "conf.d"
    folder.mkdir()
    shutil.copy(VECTORS / "kannel" / "parts" / "smsc.conf", folder)
    (tmp_path / "kannel.conf").write_text("group = core\ninclude = conf.d\n\ninclude = none.conf\n")
    assert main(["import-config", str(tmp_path / "kannel.conf"), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["connectors"] == 2
    assert [note["text"] for note in answer["notes"] if note["key"] == "include"] == [
        f"{tmp_path / 'none.conf'} cannot be read, so what it holds is missing"
    ]


def test_what_is_none_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(b"\xff nothing of the kind\n")
    assert main(["import-config", str(path)]) == 1
    assert "no command of Jasmin's jcli in it (read as jasmin; see --format)" in capsys.readouterr().err
    assert main(["import-config", str(path), "--format", "kannel"]) == 1
    assert main(["import-config", str(tmp_path / "none")]) == 1
    assert "cannot be read: No such file" in capsys.readouterr().err


def test_a_folder_that_is_not_there_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "none" / "config.yaml"
    source = VECTORS / "kannel" / "balanced.conf"
    assert main(["import-config", str(source), "--output", str(output)]) == 1
    assert "cannot be written: No such file or directory" in capsys.readouterr().err


def test_passwords_of_an_earlier_try_are_written_anew(tmp_path: Path) -> None:
    output = tmp_path / "config.yaml"
    folder = tmp_path / "config.yaml.secrets"
    folder.mkdir()
    (folder / "a.password").write_text("old")
    (folder / "a.password").chmod(0o644)
    assert main(["import-config", str(VECTORS / "kannel" / "balanced.conf"), "--output", str(output)]) == 0
    assert (folder / "a.password").read_text() == "a1\n"
    assert (folder / "a.password").stat().st_mode & 0o777 == 0o600
