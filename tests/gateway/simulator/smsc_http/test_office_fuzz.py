"""Whatever a request says, a handler of the office answers it or raises ApiProblem."""

from __future__ import annotations

from http_simulator_support import START
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.simulator.smsc_http.model import ApiProblem
from gateway.simulator.smsc_http.service import SmscService
from protocols.smsc_http.operations import OPERATIONS

VALUES = st.one_of(
    st.sampled_from(
        [
            *("", "0", "1", "2", "7", "-1", "9" * 30, "1.5", "x", "01.01.2025", "31.12.9999", "01.01.0001"),
            *("79161234567", "+79161234567,78888888888", "a@mysite.com", "SMSC", "G1", "sub", "\n", "٣"),
            *("My-Password1", "0101991200", "+5", "9-18", "a:b\nc:d", "sms", "24:00"),
        ]
    ),
    st.text(max_size=12),
)
SCRIPTS = {
    name: sorted(operation.parameters)
    for name, operation in OPERATIONS.items()
    if name not in ("send", "cost", "status", "status_delete", "balance")
}
COMPLETE = {
    "phone": "79161234567",
    "mail": "a@mysite.com",
    "name": "x",
    "user": "sub",
    "password": "My-Password1",
    "sum": "5",
    "id": "1",
    "grp": "1",
    "sender": "SMSC",
    "msg": "x",
    "code": "1",
    "phones": "79161234567",
    "mes": "Hi",
}
"""So that more than the first check is reached."""


@settings(max_examples=120, deadline=None, derandomize=True)
@given(name=st.sampled_from(list(SCRIPTS)), data=st.data())
def test_only_documented_errors_come_out(name: str, data: st.DataObject) -> None:
    service = SmscService()
    handler = service.office.HANDLERS[name]
    names = SCRIPTS[name]
    for step in range(2):
        params = {key: value for key, value in COMPLETE.items() if key in names}
        if names:
            params.update(data.draw(st.dictionaries(st.sampled_from(names), VALUES, max_size=4)))
        try:
            handler(params, START + step)
        except ApiProblem as problem:
            assert problem.number in OPERATIONS[name].errors
        service.run(START + step + 100_000)
