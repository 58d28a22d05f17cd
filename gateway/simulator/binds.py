"""Who may bind to the simulated SMSC, and how the bind is answered."""

from __future__ import annotations

from collections.abc import Callable

from gateway.simulator.answers import bind_response_frame
from gateway.simulator.connection import Connection
from gateway.simulator.counters import Counters
from gateway.simulator.settings import VERSIONS, SimulatorSettings
from protocols.smpp import constants as c
from protocols.smpp.pdu import BindReceiver, BindTransceiver, BindTransmitter
from protocols.smpp.state import State

SYSTEM_ID = "simulator"
BIND_CLASSES = (BindReceiver, BindTransmitter, BindTransceiver)
_RECEIVING = (State.BOUND_RX, State.BOUND_TRX)
_Bind = BindReceiver | BindTransmitter | BindTransceiver


class Binds:
    """Checks binds by the settings; `bound` is told of each session that can receive."""

    def __init__(
        self, settings: SimulatorSettings, counters: Counters, bound: Callable[[Connection], None]
    ) -> None:
        self._settings = settings
        self._counters = counters
        self._bound = bound
        self._version = VERSIONS[settings.interface_version]
        form = settings.bind_resp
        self._form = "no_version" if form == "full" and self._version < c.INTERFACE_VERSION_34 else form
        self._ended: dict[str, float] = {}  # system_id -> when its last session ended, with a rebind pause

    def bind(self, connection: Connection, request: _Bind, now: float) -> None:
        """Accept or refuse."""
        status = self._check(request, now)
        if status:
            self.refuse(connection, request, status)
            return
        self._counters.binds += 1
        session = connection.session
        if self._form != "full":
            connection.write()
        version = min(self._version, max(request.interface_version, c.INTERFACE_VERSION_34))
        session.accept_bind(request, system_id=SYSTEM_ID, sc_interface_version=version)
        if self._form != "full":
            session.data_to_send()  # what the session would have answered
            connection.transport.write(bind_response_frame(request, SYSTEM_ID, self._form))
        if session.state in _RECEIVING:
            self._bound(connection)

    def refuse(self, connection: Connection, request: _Bind, status: int) -> None:
        """Answer a bind with an error."""
        self._counters.binds_refused += 1
        connection.session.refuse_bind(request, status)

    def ended(self, system_id: str, now: float) -> None:
        """A session of this system_id is over."""
        if self._settings.rebind_pause_s and system_id:
            self._ended[system_id] = now

    def _check(self, request: _Bind, now: float) -> int:
        settings = self._settings
        if settings.system_id is not None and request.system_id != settings.system_id:
            return c.ESME_RINVSYSID
        if settings.password is not None and request.password != settings.password:
            return c.ESME_RINVPASWD
        ended = self._ended.get(request.system_id)
        if ended is not None and now - ended < settings.rebind_pause_s:
            return c.ESME_RALYBND
        return c.ESME_ROK
