"""`smsc-gateway describe-config`: the annotated example configuration."""

from __future__ import annotations

import argparse

from gateway.cli import EXIT_OK
from gateway.config.describe import describe

HELP = "Print an example configuration with the meaning, limits and default of every option."


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "example:\n  smsc-gateway describe-config > config.yaml"


def run(args: argparse.Namespace) -> int:
    print(describe(), end="")
    return EXIT_OK
