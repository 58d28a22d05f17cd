"""The printed example: complete, valid, and the one in the repository."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest

from gateway.config.describe import describe
from gateway.config.load import load
from gateway.config.model import SAMPLE_PASSWORD_HASH, Config, Log, Queue
from gateway.config.problems import ConfigError
from gateway.config.sections import hints_of
from gateway.core.passwords import hash_password, verify

ROOT = Path(__file__).parents[3]


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    path.chmod(0o644)
    return path


def sections(section: type[Any]) -> Iterator[type[Any]]:
    """The class and all section classes below it."""
    yield section
    for hint in hints_of(section).values():
        inner = get_args(hint)[0] if get_origin(hint) is Sequence else hint
        if isinstance(inner, type) and dataclasses.is_dataclass(inner):
            yield from sections(inner)


def test_config_example_yaml_is_the_output() -> None:
    assert (ROOT / "config.example.yaml").read_text() == describe()


def test_security_37_the_example_lacks_nothing_but_a_password_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(written(tmp_path, describe()))
    [problem] = caught.value.problems
    assert problem.key == "accounts[0].password_hash"
    assert problem.text == "is the sample from the example"


def test_the_sample_hash_is_a_real_hash_and_not_a_secret() -> None:
    assert verify("change-me", SAMPLE_PASSWORD_HASH)


def test_the_example_with_a_password_has_the_defaults(tmp_path: Path) -> None:
    text = describe().replace(SAMPLE_PASSWORD_HASH, hash_password("own"))
    config = load(written(tmp_path, text))
    assert (config.queue, config.log) == (Queue(), Log())
    assert (config.mail, config.incoming, config.accounts[0].mail) == (None, (), None)
    assert (len(config.listeners.smpp), config.listeners.smtp, config.listeners.lmtp) == (1, (), ())
    assert (config.listeners.callbacks, config.smsc_connectors) == ((), ())
    assert config.routes[0].connectors == ("operator",)


def test_every_option_may_be_uncommented(tmp_path: Path) -> None:
    text = describe().replace(SAMPLE_PASSWORD_HASH, hash_password("own"))
    for _ in range(4):
        # an option follows its # at once, a sentence follows a space; options inside a commented section
        # are still commented after each pass but the last
        text = re.sub(r"^( *)#(?=[a-z]|  +[a-z#-])", r"\1", text, flags=re.MULTILINE)
    assert not re.search(r"^ *#[a-z]", text, re.MULTILINE)
    text = re.sub(r"/etc/smsc-gateway/[^\s}]+", str(ROOT / "none.pem"), text)
    text = text.replace("parent: reseller", "parent: ''")  # the example has one account
    with pytest.raises(ConfigError) as caught:
        load(written(tmp_path, text))
    # certificates, secrets and lists are all that does not exist here
    keys = {problem.key for problem in caught.value.problems}
    assert {re.sub(r"^.*\]\.(?=\w)", "", key) for key in keys} == {
        "tls.certificate",
        "tls.key",
        "tls.ca",
        "web.tls.certificate",
        "web.tls.key",
        "second_password_hash",
        "password",
        "api_key",
        "callback.secret",
        "http.webhook_secret",
        "api_keys[0]",
        *(f"mail.smarthost.certificates.{name}" for name in ("certificate", "key", "ca")),
        "mail.smarthost.password",
        "destinations_file",
        "file",
    }
    assert all("cannot be read" in problem.text for problem in caught.value.problems)


def test_every_option_is_explained() -> None:
    text = describe()
    for section in sections(Config):
        for field in dataclasses.fields(section):
            assert field.metadata["option"].doc.endswith("."), (section, field.name)
            assert re.search(rf"^[ #]*(- )?{field.name}:", text, re.MULTILINE), (section, field.name)


def test_defaults_keep_to_their_limits() -> None:
    for section in sections(Config):
        for field in dataclasses.fields(section):
            option = field.metadata["option"]
            if option.low is not None and field.default not in (dataclasses.MISSING, None, ()):
                assert option.low <= field.default <= option.high, (section, field.name)


def test_no_line_is_wider_than_the_screen() -> None:
    lines = [line for line in describe().splitlines() if SAMPLE_PASSWORD_HASH not in line]
    assert max(map(len, lines)) <= 110
