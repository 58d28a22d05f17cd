"""What fuzzing has kept is tried again each time, and what is written down of a target is what there is."""

from __future__ import annotations

import sys
from pathlib import Path

import corpus
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from targets import TARGETS

ROOT = Path(__file__).parents[2]

ONCE = [
    ("address", b"\x03alex:Secr3t-:FRO:1003261600:::,\xb2|79991234567:one"),
    ("answers", b"\x1e\x01mtvsrs_,1,41\nmega_adv,\x1f1,0"),
    ("control", b"[" * 3000),
    ("requests", b"GET\x01\x00 /sys/send.php?login=alex\n\n"),
]
"""What broke something once; the corpus keeps only what reaches something that nothing else does."""


@pytest.mark.parametrize(("target", "octets"), ONCE, ids=[target for target, _ in ONCE])
def test_what_broke_something_does_so_no_more(target: str, octets: bytes) -> None:
    TARGETS[target](octets)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("target", TARGETS)
def test_nothing_that_was_kept_breaks_its_target(target: str) -> None:
    inputs = corpus.read(target)
    assert inputs, f"tests/corpus/{target}.txt has nothing"
    for number, octets in enumerate(inputs, 1):
        try:
            TARGETS[target](octets)
        except Exception as error:
            raise AssertionError(f"line {number} of tests/corpus/{target}.txt: {error!r}") from error


def test_each_file_is_of_a_target_and_small() -> None:
    files = list(corpus.FOLDER.iterdir())
    assert {path.stem for path in files} == set(TARGETS)
    assert sum(path.stat().st_size for path in files) < 2 << 20


def test_the_fuzzer_has_the_same_targets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import fuzz_deep

    assert list(fuzz_deep.NAMES) == list(TARGETS)
    assert str(fuzz_deep.ATHERIS) in sys.path
    sys.path.remove(str(fuzz_deep.ATHERIS))


@given(st.binary(max_size=200))
def test_a_line_is_its_octets(octets: bytes) -> None:
    line = corpus.line_of(octets)
    assert line.isascii()
    assert line.isprintable()
    assert corpus.octets_of(line) == octets


@settings(max_examples=60, deadline=None)
@given(target=st.sampled_from(sorted(TARGETS)), octets=st.binary(max_size=200))
def test_any_octets_at_any_target(target: str, octets: bytes) -> None:
    TARGETS[target](octets)


@pytest.mark.parametrize("target", ["text", "answers", "callbacks", "http", "requests", "json", "control"])
def test_what_was_kept_with_other_octets_in_it(target: str) -> None:
    """Those that have no hypothesis test of their own."""
    inputs = [octets for octets in corpus.read(target) if len(octets) < 500]

    @settings(max_examples=80, deadline=None)
    @given(st.sampled_from(inputs), st.integers(0, 500), st.integers(0, 9), st.binary(max_size=6))
    def changed(octets: bytes, at: int, cut: int, new: bytes) -> None:
        TARGETS[target](octets[:at] + new + octets[at + cut :])

    changed()
