"""Every vector of tests/vectors/quirks, octet by octet, against a whole gateway on loopback."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from journey_support import journey
from quirk_support import dialogue, vectors

VECTORS = vectors()
_HEX = re.compile(r"(smsc|esme) sends")


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_quirk(tmp_path: Path, vector: dict[str, Any]) -> None:
    @journey
    async def run() -> None:
        async with dialogue(vector, tmp_path) as talk:
            await talk.run()

    run()


def test_every_quirk_has_a_vector_and_names_are_not_used_twice() -> None:
    names = [vector["name"] for vector in VECTORS]
    assert len(set(names)) == len(names)
    assert {int(name[:2]) for name in names} == set(range(1, 51))
    assert all(
        re.fullmatch(r"\d\d(-[a-z0-9]+)+", name) and vector["source"]
        for name, vector in zip(names, VECTORS, strict=True)
    )


def test_lengths_are_right_unless_the_vector_is_about_that() -> None:
    for vector in VECTORS:
        sent = [hex_ for step in vector["steps"] for verb, hex_ in step.items() if _HEX.match(verb)]
        if vector.get("odd_length"):
            continue
        for hex_ in sent:
            data = bytes.fromhex(re.sub(r"\{seq\d?\}", "00000001", hex_))
            while data:
                length = int.from_bytes(data[:4], "big")
                assert 16 <= length <= len(data), vector["name"]
                data = data[length:]
