"""Every option for people: keys, defaults, places, no secrets; and a print that changes with anything."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gateway.config.load import load, load_with_places
from gateway.config.model import Config
from gateway.config.options import HIDDEN, Option, options_of, print_of, text_of, written_at
from gateway.config.secret import Secret


@pytest.fixture
def everything(vectors: Path) -> Config:
    return load(vectors / "good" / "everything.yaml")


def by_key(config: Config) -> dict[str, Option]:
    return {option.key: option for option in options_of(config)}


def test_entries_have_their_names_and_options_their_values(everything: Config) -> None:
    options = by_key(everything)
    account = everything.accounts[0]
    assert options[f"accounts[{account.system_id}].max_binds"].value == account.max_binds
    assert text_of(options["queue.text_days"]) == "2"
    assert not options["queue.text_days"].is_default
    assert options["queue.audit_days"].value == 50


def test_each_default_is_one(everything: Config) -> None:
    bare = replace(everything, queue=type(everything.queue)())
    assert all(option.is_default for option in options_of(bare, only="queue"))
    assert {option.key.split(".")[0] for option in options_of(bare, only="queue")} == {"queue"}


def test_no_secret_is_shown(everything: Config) -> None:
    secrets = [option for option in options_of(everything) if type(option.value) is Secret]
    assert len({option.value.reveal() for option in secrets}) >= 3
    assert {text_of(option) for option in secrets} == {HIDDEN}
    shown = "\n".join(text_of(option) for option in options_of(everything))
    assert "scrypt" not in shown and "my-secret_1" not in shown
    assert text_of(by_key(everything)["store"]).startswith("postgresql://gateway@db1,db2/")
    urls = [
        option for option in options_of(everything) if option.key.endswith((".http.handler", ".http.webhook"))
    ]
    assert {text_of(option) for option in urls if option.value} == {HIDDEN}


def test_places_are_those_of_the_files(vectors: Path) -> None:
    path = vectors / "good" / "everything.yaml"
    config, reading = load_with_places(path)
    lines = path.read_text().splitlines()
    written = {
        option.key: place for option in options_of(config) if (place := written_at(reading, option.place))
    }
    assert len(written) > 200
    for key in (
        "queue.text_days",
        "queue.statistics_days",
        f"accounts[{config.accounts[0].system_id}].system_id",
    ):
        assert Path(written[key].file) == path
        assert lines[written[key].line - 1].strip().removeprefix("- ").startswith(key.rpartition(".")[2])
    assert "queue.commit_delay_ms" in written or by_key(config)["queue.commit_delay_ms"].is_default


def test_a_print_is_the_same_for_the_same_and_for_nothing_else(vectors: Path) -> None:
    path = vectors / "good" / "everything.yaml"
    first = load(path)
    assert print_of(first, first) != print_of(first)
    text = path.read_text()
    for old, new in (("text_days: 2\n", "text_days: 3\n"), ("text_days: 2\n", "text_days: 2 # two\n")):
        assert old in text
        path.write_text(text.replace(old, new, 1))
        assert (print_of(load(path)) == print_of(first)) is ("3" not in new)


def test_another_secret_is_another_print(everything: Config) -> None:
    account = everything.accounts[0]
    other = replace(account, password_hash=Secret("another"))
    changed = replace(everything, accounts=(other, *everything.accounts[1:]))
    assert print_of(changed) != print_of(everything)
    assert "another" not in print_of(changed)
