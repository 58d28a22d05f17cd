"""A batch is applied again only if it is not stored, be it by a connection that is lost and still commits."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import psycopg
import pytest
from gateway_fakes import message
from store_nodes import NodeEngine, Nodes

from gateway.core.batch import Batch
from gateway.core.model import Progress
from gateway.store.postgres_writer import UNKNOWN, Writer


class Lost:
    """A writer whose connection is lost in the middle of commits, of which a look knows nothing yet."""

    def __init__(self, engine: NodeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ours, theirs = socket.socketpair()
        self.writer = Writer(theirs)
        self.writer.applier, self.writer.db = engine.applier, engine.db
        self._theirs, self._commit = theirs, engine.db.commit
        monkeypatch.setattr(engine.db, "commit", self.commit)
        monkeypatch.setattr(engine.applier.cluster, "was_committed", lambda: False)
        monkeypatch.setattr(self.writer, "_undone", lambda error: False)
        self.is_lost = True

    def commit(self) -> None:
        self._commit()
        if self.is_lost:
            self.is_lost = False
            raise psycopg.OperationalError("lost")

    def close(self) -> None:
        self.ours.close()
        self._theirs.close()


@pytest.fixture
def lost(nodes: Nodes, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lost]:
    made = Lost(nodes.engines[0], monkeypatch)
    yield made
    made.close()


def queued(message_id: int) -> Batch:
    claims = [("one", 5, 0, 1)]
    return Batch(accepted=[(*message(message_id), Progress.QUEUED.value)], claims=claims)


def test_what_is_stored_already_is_answered_as_it_was_then(nodes: Nodes, lost: Lost) -> None:
    for n in (1, 2):  # the second one without a loss: the numbers go on
        answer = lost.writer.answer(queued(n))
        ((_, rows, _),) = answer.claimed
        assert (answer.error, [fields[0] for fields, _ in rows]) == ("", [n])
    assert [row["message_id"] for row in nodes.a.rows("submission")] == [1, 2]


def test_a_batch_that_nobody_here_has_sent_ends_the_gateway(lost: Lost) -> None:
    lost.is_lost = False
    lost.writer.answer(queued(1))
    lost.writer.applier.cluster.batch_no -= 1
    answer = lost.writer.answer(queued(2))
    assert (answer.error, answer.fatal) == (UNKNOWN, True)
