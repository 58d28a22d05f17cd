"""A simulated SMSC over SMPP: for `smsc-gateway simulate`, `make run` and tests (docs/simulator.md)."""

from gateway.simulator.message import Message
from gateway.simulator.settings import SimulatorSettings
from gateway.simulator.simulator import Simulator

__all__ = ["Message", "Simulator", "SimulatorSettings"]
