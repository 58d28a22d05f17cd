"""Whatever is asked, the simulated service answers: no exception, and what has a format has that format."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from http_simulator_support import PHONE, Bench
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.simulator.smsc_http.service import Ending, HttpCall
from protocols.smsc_http.operations import OPERATIONS

_NAMES = sorted({name for row in OPERATIONS.values() for name in row.parameters} | {"del", "all", "cur"})
_VALUES = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        [
            *(
                "",
                "0",
                "1",
                "2",
                "-1",
                "9" * 30,
                PHONE,
                f"{PHONE},",
                "G777",
                "79161299120,79161299301",
                "a@b.example",
            ),
            *(
                "01.01.2025",
                "0101250400",
                "9-18",
                "+5",
                f"{PHONE}:a\n79261234567:b",
                "050A0307056048656C",
                "m,en",
            ),
            *("20,10,3", "http://h.example/x", "__CALL__: x", "a\n~~~\nb", "@my_bot", "x" * 2000, "я" * 300),
        ]
    ),
)
_COMMANDS = st.sampled_from([(row.script, dict(row.command)) for row in OPERATIONS.values()])


@settings(max_examples=150, deadline=None)
@given(_COMMANDS, st.dictionaries(st.sampled_from(_NAMES), _VALUES, max_size=6), st.sampled_from("0123"))
def test_parameters_of_any_kind(
    command: tuple[str, dict[str, str]], params: dict[str, str], fmt: str
) -> None:
    bench = Bench(limits=0, handler="http://h.example/?charset=utf-8")
    script, selecting = command
    values = {**params, **selecting, "apikey": "key", "fmt": fmt, "charset": "utf-8"}
    reply: Any = bench.post(f"/sys/{script}", urlencode(values).encode())
    bench.pass_(100_000)
    if reply.ending is Ending.ANSWER and reply.content_type.startswith("application/json"):
        json.loads(reply.body)
    assert reply.status in (0, 200, 500)


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(["GET", "POST", "PUT", ""]),
    st.sampled_from(["/sys/send.php", "/rest/send/", "/sys/status.php", "/sys/../x", "/", ""]),
    st.text(max_size=50),
    st.sampled_from(
        ["", "application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
    ),
    st.one_of(
        st.binary(max_size=60), st.sampled_from([b"{}", b'{"login": 1}', b"--x\r\n\r\n--x--", b"[" * 500])
    ),
)
def test_requests_of_any_kind(method: str, path: str, query: str, content_type: str, body: bytes) -> None:
    bench = Bench()
    reply = bench.service.handle(HttpCall(method, path, query, content_type, body), "192.0.2.1", bench.now)
    assert reply.status in (200, 400, 404, 405, 413)
