"""A store that has the last word, as one that several nodes share: it refuses what a test says."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from front_desk import StoreJournal

from gateway.core.batch import Answer, Batch
from gateway.core.conditions import refused_late
from gateway.core.errors import Refusal
from gateway.core.submission import Submission
from gateway.store.admission_steps import without


def refuse_late(journal: StoreJournal, submission: Submission, why: Refusal, places: Iterable[int]) -> None:
    """From now on the messages at these places of each batch are refused late."""
    applier, wanted = journal._applier, set(places)
    apply = partial(type(applier).apply, applier)

    def applied(batch: Batch) -> Answer:
        late = {row[0]: why.value for n, row in enumerate(batch.accepted) if n in wanted}
        answer = apply(without(batch, late) if late else batch)
        answer.refused_late = list(late.items())
        submission.refused_late = refused_late(answer.refused_late)  # as the daemon says before callbacks
        return answer

    applier.apply = applied  # type: ignore[method-assign]
