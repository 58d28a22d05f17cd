"""The fault plan: kills, power loss, bad disks, bad upstreams, hostile clients; figures with their bounds.

    python benchmarks/torture [PART …] [--short] [--seed N] [--json FILE] [--write docs/torture.md]

Every part starts gateways of its own, on loopback.  Without names all parts run, S1 beside the others: about
an hour and a quarter at full size, on two cores.  Each result is kept as build/torture/PART.json, and the
page is made of all that are kept, those of earlier runs too; lines of progress are in lane-N.log beside them.
Ctrl-C ends it and all that it has started.  Exit code 0: all figures are within their bounds.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))  # kill.py and the others are there

from command import Plan, main
from plan import MODULES
from report import HEAD

ROOT = Path(__file__).resolve().parents[2]

if __name__ == "__main__":
    remarks = Path(__file__).with_name("remarks.md").read_text("utf-8")
    sys.exit(main(Plan(__doc__, MODULES, HEAD, remarks, ROOT / "build" / "torture")))
