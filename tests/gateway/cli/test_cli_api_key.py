"""smsc-gateway api-key."""

from __future__ import annotations

import json

import pytest

from gateway.__main__ import main
from gateway.core.api_keys import hash_key


def test_a_key_comes_with_its_hash(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["api-key"]) == 0
    (first, key), (second, hashed) = (line.split() for line in capsys.readouterr().out.splitlines())
    assert (first, second) == ("key", "hash")
    assert hashed == hash_key(key)


def test_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    keys = []
    for _ in range(2):
        assert main(["api-key", "--json"]) == 0
        answer = json.loads(capsys.readouterr().out)
        assert answer["hash"] == hash_key(answer["key"])
        keys.append(answer["key"])
    assert keys[0] != keys[1]
