"""smsc-gateway describe-config."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.__main__ import main


def test_it_prints_the_example_of_the_repository(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["describe-config"]) == 0
    assert capsys.readouterr().out == (Path(__file__).parents[3] / "config.example.yaml").read_text()
