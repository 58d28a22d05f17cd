"""A gateway and a simulated SMSC in one process, as in the demo: `whole_gateway.py FOLDER`, until SIGTERM.

FOLDER has config.yaml, where SMPP_PORT, WEB_PORT and SMSC_PORT stand for ports. When all is ready, a line
of JSON says them: the system chose them, and the sockets are handed over as systemd does.
"""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path

from gateway.cli import run
from gateway.cli.loop import run_loop
from gateway.config.load import load
from gateway.ops.activation import Inherited, Passed
from gateway.simulator.settings import SimulatorSettings
from gateway.simulator.simulator import Simulator

HOST = "127.0.0.1"


def main(folder: Path) -> int:
    file = folder / "config.yaml"
    held = {name: socket.create_server((HOST, 0)) for name in ("SMPP_PORT", "WEB_PORT")}
    run.inherited = lambda: Inherited(Passed(name, one) for name, one in held.items())  # type: ignore[assignment]
    ports = {name: int(one.getsockname()[1]) for name, one in held.items()}

    async def both() -> int:
        simulator = Simulator(SimulatorSettings(resp_delay_ms=12, receipt_delay_ms=40, throttle_pct=0.5))
        await simulator.start(HOST, 0)
        text = file.read_text("utf-8")
        for name, port in {**ports, "SMSC_PORT": simulator.port}.items():
            text = text.replace(name, str(port))
        file.write_text(text, "utf-8")
        try:
            return await run.serve(
                load(file), file, folder / "state", lambda _: print(json.dumps(ports), flush=True)
            )
        finally:
            await simulator.close()

    return run_loop(both)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
