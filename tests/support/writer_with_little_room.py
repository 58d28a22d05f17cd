"""The writing process on a disk that is full when the test says so.

The file `max_pages` beside the database holds how many pages it may have; SQLite refuses to grow beyond
them with the same error as for a full disk.
"""

from __future__ import annotations

import sys
from pathlib import Path

from gateway.core.batch import Answer, Batch
from gateway.store import sqlite_writer
from gateway.store.apply import Applier

LIMIT = Path(sys.argv[2]).with_name("max_pages")


class LimitedApplier(Applier):
    def apply(self, batch: Batch) -> Answer:
        self.db.connection.execute(f"PRAGMA max_page_count = {int(LIMIT.read_text())}")
        return super().apply(batch)


vars(sqlite_writer)["Applier"] = LimitedApplier
sys.exit(sqlite_writer.main())
