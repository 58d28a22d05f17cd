"""A gateway and a simulated SMSC in one process, as in the demo: `whole_gateway.py FOLDER`, until SIGTERM.

FOLDER has config.yaml, whose first connector is the simulated one; it says "ready" when all is.
"""

from __future__ import annotations

import sys
from pathlib import Path

from gateway.cli.loop import run_loop
from gateway.cli.run import serve
from gateway.config.load import load
from gateway.daemon import Daemon
from gateway.simulator.settings import SimulatorSettings
from gateway.simulator.simulator import Simulator


def main(folder: Path) -> int:
    config = load(folder / "config.yaml")
    connector = config.connectors[0]
    settings = SimulatorSettings(
        system_id=connector.system_id,
        password=connector.password.reveal(),
        resp_delay_ms=12,
        receipt_delay_ms=40,
        throttle_pct=0.5,
    )

    def on_ready(daemon: Daemon) -> None:
        daemon.events.flush()
        print("ready", flush=True)

    async def both() -> int:
        simulator = Simulator(settings)
        await simulator.start(connector.address.host, connector.address.port)
        try:
            return await serve(config, folder / "config.yaml", folder / "state", on_ready)
        finally:
            await simulator.close()

    return run_loop(both)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
