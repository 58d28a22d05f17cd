"""The cluster's fault plan: the database killed and failed over, a node killed, paused, cut off; with bounds.

    python benchmarks/cluster [PART …] [--short] [--seed N] [--json FILE] [--write docs/cluster-faults.md]

Every part starts a PostgreSQL and two gateways of its own.  Without names all parts run, one after the other:
about an hour at full size; N3 needs root.  Each result is kept as build/cluster-faults/PART.json, and the
page is made of all that are kept, those of earlier runs too; lines of progress are in lane-1.log beside them.
Ctrl-C ends it and all that it has started.  Exit code 0: all figures are within their bounds.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "torture"))  # what runs parts and judges them
sys.path.append(str(Path(__file__).resolve().parents[1]))

from command import Plan, main
from plan import CLUSTER

HEAD = """\
# The cluster's fault plan, run

Written by `make cluster-faults`. Two nodes work on one PostgreSQL, each with a sender of its own; senders \
and the SMSC share nothing with them but sockets, and note on another filesystem what was promised and what \
arrived: lost = acknowledged − at the SMSC − reported as failed − still queued. When work was taken over, \
and whether a run that was over still stored something, is read from the database by the test itself. The \
promises are in [guarantees](guarantees.md). `make cluster-faults PARTS="N1 N3"` runs some parts again.
"""

if __name__ == "__main__":
    remarks = Path(__file__).with_name("remarks.md").read_text("utf-8")
    results = Path(__file__).resolve().parents[2] / "build" / "cluster-faults"
    sys.exit(main(Plan(__doc__, CLUSTER, HEAD, remarks, results)))
