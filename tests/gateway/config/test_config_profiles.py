"""Profiles: what a connector takes over from one, what counts more, and where mistakes are reported."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from gateway.config import profiles
from gateway.config.connector_model import Connector
from gateway.config.load import load
from gateway.config.model import Config
from gateway.config.problems import ConfigError
from gateway.config.sections import is_required
from gateway.config.smpp_model import AddressRule

CONNECTOR = "{name: up, address: 127.0.0.1:2776, system_id: gw, password: secret"


def written(tmp_path: Path, *connectors: str) -> Path:
    """A configuration with these options at its connectors, up, up1, up2 …"""
    lines = ["listeners: {smpp: [{address: 127.0.0.1:2775}]}", "accounts: []", "connectors:"]
    for number, options in enumerate(connectors):
        own = CONNECTOR.replace("name: up", f"name: up{number or ''}")
        lines.append(f"  - {own}, {options}}}")
    path = tmp_path / "config.yaml"
    path.write_text("\n".join([*lines, "routes: [{connectors: [up]}]"]) + "\n")
    path.chmod(0o640)
    return path


def loaded(tmp_path: Path, *connectors: str) -> Config:
    return load(with_account(written(tmp_path, *connectors)))


def with_account(path: Path) -> Path:
    key = "scrypt$15$8$1$dmVjdG9yLXNhbHQtMDAwMQ==$0VzBzFwXWYHFIY74QcIFfpC4huEdnm7tfl1Lb5gkmQQ="
    path.write_text(
        path.read_text().replace("accounts: []", f"accounts: [{{system_id: app, password_hash: {key}}}]")
    )
    return path


def problems(tmp_path: Path, *connectors: str) -> list[str]:
    """What is reported, without the name of the directory."""
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, *connectors)
    return [
        str(problem).replace(f"{tmp_path}/", "").replace(f"{profiles.DIRECTORY}/", "profiles/")
        for problem in caught.value.problems
    ]


def profile(tmp_path: Path, text: str, name: str = "mine.yaml") -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)


SHIPPED = profiles.names()


def test_the_gateway_brings_profiles() -> None:
    assert {"jasmin", "kannel", "simulator", "smscentre"} <= set(SHIPPED)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_profile_is_what_its_connector_gets(name: str, tmp_path: Path) -> None:
    [connector] = loaded(tmp_path, f"profile: {name}").connectors
    options = yaml.safe_load((profiles.DIRECTORY / f"{name}.yaml").read_text())
    assert options
    for option, value in options.items():
        got = getattr(connector, option)
        if isinstance(value, dict):
            assert got == AddressRule(**value)
        else:
            assert (list(got) if isinstance(value, list) else got) == value, option


@pytest.mark.parametrize("name", SHIPPED)
def test_every_line_of_a_shipped_profile_is_an_option_with_its_source(name: str) -> None:
    known = {field.name for field in fields(Connector)} - set(profiles.OF_ITS_OWN)
    lines = (profiles.DIRECTORY / f"{name}.yaml").read_text().splitlines()
    options = [line for line in lines if line and not line.startswith("#")]
    assert options
    for line in options:
        match = re.fullmatch(r"(\w+): [^#]+ # \S.+", line)
        assert match and match[1] in known, line


def test_what_every_connector_must_have_is_never_in_a_profile() -> None:
    required = {field.name for field in fields(Connector) if is_required(field)}
    assert required <= set(profiles.OF_ITS_OWN)


def test_the_profiles_are_installed_with_the_package() -> None:
    root = Path(__file__).parents[3]
    assert '"profiles/*.yaml"' in (root / "pyproject.toml").read_text()


def test_what_the_connector_says_counts_more(tmp_path: Path) -> None:
    [connector] = loaded(tmp_path, "profile: smscentre, window: 7, operations: []").connectors
    assert (connector.window, connector.operations) == (7, ())
    assert connector.enquire_link_s == 60


def test_sections_are_merged_option_by_option(tmp_path: Path) -> None:
    first, second = loaded(
        tmp_path, "profile: smscentre, destination: {ton: 2, prefix: plus}", "profile: smscentre"
    ).connectors
    assert first.destination == AddressRule(ton=2, npi=1, prefix="plus")
    assert second.destination == AddressRule(ton=1, npi=1)


def test_a_path_is_relative_to_the_file_it_is_written_in(tmp_path: Path) -> None:
    profile(tmp_path, "window: 11\n", "here.yaml")
    profile(tmp_path, "window: 12\n", "known/there")
    path = with_account(written(tmp_path, "profile: here.yaml", "profile: ./known/there"))
    assert [connector.window for connector in load(path).connectors] == [11, 12]
    profile(
        tmp_path,
        f"connectors: [{CONNECTOR}, profile: ../known/there}}]\n".replace("up", "far"),
        "conf.d/a.yaml",
    )
    (tmp_path / "conf.d" / "a.yaml").chmod(0o640)
    assert [connector.window for connector in load(path).connectors] == [11, 12, 12]


def test_a_changed_profile_is_a_changed_connector(tmp_path: Path) -> None:
    profile(tmp_path, "window: 11\n")
    path = with_account(written(tmp_path, "profile: mine.yaml", "window: 3"))
    before = load(path).connectors
    profile(tmp_path, "window: 12\n")
    after = load(path).connectors
    assert (before[0].window, after[0].window) == (11, 12)
    assert before[0] != after[0]
    assert before[1] == after[1]


def test_an_unknown_profile_is_refused_with_those_there_are(tmp_path: Path) -> None:
    [problem] = problems(tmp_path, "profile: smscenter")
    assert problem == (
        "config.yaml:4:83: connectors[0].profile: there is no profile 'smscenter' – "
        f"write {', '.join(SHIPPED[:-1])} or {SHIPPED[-1]}, or the path of a file"
    )


def test_a_profile_that_is_not_there_is_told_with_the_path_that_was_tried(tmp_path: Path) -> None:
    [problem] = problems(tmp_path, "profile: gone.yaml")
    assert "connectors[0].profile: there is no file gone.yaml – check the path" in problem


def test_mistakes_in_a_profile_are_reported_where_they_are_written(tmp_path: Path) -> None:
    profile(tmp_path, "# of ours\nwindow: 0\nwindw: 3\nsource: {ton: 9}\nid_form: hex\nrate: 1\nrate: 2\n")
    found = problems(tmp_path, "profile: mine.yaml, colour: red")
    assert [line.split(": ")[0:2] for line in found] == [
        ["config.yaml:4:94", "connectors[0].colour"],
        ["mine.yaml:2:9", "connectors[0].window"],
        ["mine.yaml:3:1", "connectors[0].windw"],
        ["mine.yaml:4:15", "connectors[0].source.ton"],
        ["mine.yaml:5:10", "connectors[0].id_form"],
        ["mine.yaml:7:1", "connectors[0].rate"],
    ]


def test_a_profile_that_two_connectors_share_is_read_once(tmp_path: Path) -> None:
    profile(tmp_path, "window: [\n")
    assert len(problems(tmp_path, "profile: mine.yaml", "profile: mine.yaml")) == 1


@pytest.mark.parametrize("option", profiles.OF_ITS_OWN)
def test_what_belongs_to_one_connector_is_refused_in_a_profile(option: str, tmp_path: Path) -> None:
    profile(tmp_path, f"rate: 1\n{option}: other\n")
    [problem] = problems(tmp_path, "profile: mine.yaml")
    assert problem == f"mine.yaml:2:1: {option}: is no option of a profile – write it at the connector"


@pytest.mark.parametrize("text", ["- a\n", "window: 1\n\t- x\n", "window: &a 1\n", "\xff"])
def test_what_is_no_profile_is_reported_and_the_rest_is_read(text: str, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_bytes(text.encode("latin-1"))
    found = problems(tmp_path, "profile: mine.yaml, window: 0")
    assert [line.split(":")[0] for line in found] == ["config.yaml", "mine.yaml"]


def test_an_empty_profile_changes_nothing(tmp_path: Path) -> None:
    profile(tmp_path, "# nothing is known yet\n")
    with_profile, plain = loaded(tmp_path, "profile: mine.yaml", "rate: 0").connectors
    assert with_profile.window == plain.window


def test_an_empty_name_means_no_profile(tmp_path: Path) -> None:
    assert loaded(tmp_path, "profile: ''").connectors[0].window == 100


@pytest.mark.parametrize("value", ["[smscentre]", "{a: b}", "null"])
def test_what_cannot_be_a_name_is_refused_once(value: str, tmp_path: Path) -> None:
    [problem] = problems(tmp_path, f"profile: {value}")
    assert problem.startswith("config.yaml:4:83: connectors[0].profile: ")


def test_connectors_that_are_no_list_are_left_to_who_reads_them(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("connectors: {profile: nothing}\n")
    with pytest.raises(ConfigError, match="connectors: must be a list"):
        load(path)
