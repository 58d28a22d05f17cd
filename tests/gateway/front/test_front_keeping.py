"""Whatever the scripts that keep things are asked, they answer, or say an error that is theirs."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from front_desk import asked
from front_sending import ACCOUNTS, OTHER, PHONE, SendDesk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.front import blacklist, contacts, jobs, ping, templates
from gateway.front.desk import ApiProblem
from gateway.front.job_runs import run_due
from protocols.smsc_http.operations import OPERATIONS
from protocols.smsc_http.rendering import render

MODULES = (contacts, blacklist, templates, jobs, ping)
VALUES = st.one_of(
    st.sampled_from(
        [
            PHONE,
            OTHER,
            f"{PHONE},{OTHER}",
            "anna@example.org",
            "G1",
            "1",
            "2",
            "0",
            "5",
            "01.06.2025",
            "{Name}",
        ]
    ),
    st.text(max_size=20),
    st.integers(-(10**20), 10**20).map(str),
    st.sampled_from(["x" * 1001, "9" * 400, "\x00", "%", "'", '"', "\\", "٣", "\u2028", "[]", "null"]),
)


def names_of(operation: str) -> list[str]:
    known = OPERATIONS[operation]
    return sorted({"x", *known.parameters, *(name for names in known.required for name in names)})


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, dict[str, str]]:
    operation = draw(
        st.sampled_from(
            sorted(
                name for name in OPERATIONS if name.startswith(("phone_", "mail_", "tpl_", "job_", "ping"))
            )
        )
    )
    params = draw(st.dictionaries(st.sampled_from(names_of(operation)), VALUES, max_size=8))
    for needed in OPERATIONS[operation].required[0] if OPERATIONS[operation].required else ():
        params.setdefault(needed, draw(VALUES))
    return operation, params


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asks=st.lists(requests(), min_size=1, max_size=12))
def test_whatever_is_asked_is_answered(tmp_path_factory: Any, asks: list[tuple[str, dict[str, str]]]) -> None:
    folder: Path = tmp_path_factory.mktemp("any")
    desk = SendDesk(folder, *ACCOUNTS)
    for module in MODULES:
        desk.handlers.update(module.handlers(desk.desk))  # type: ignore[attr-defined]

    async def all_of_them() -> None:
        for operation, params in asks:
            try:
                answer = await desk.handlers[operation](asked(desk.desk, "full", operation, params))
            except ApiProblem as problem:
                assert problem.number in OPERATIONS[operation].errors
                continue
            assert isinstance(answer, dict | list)
            for fmt in range(4):
                render(operation, answer, fmt, params=params)
        await run_due(desk.desk, 1 << 62)

    try:
        asyncio.run(all_of_them())
    finally:
        desk.close()
