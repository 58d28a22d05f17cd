"""The steps of a batch that accept: messages as they came in, and what is stored in the same moment.

Where several nodes share the store, what cannot be taken has been left out (`gateway.store.admission_steps`).
"""

from __future__ import annotations

from gateway.core.batch import Answer, Batch
from gateway.store.api_steps import ApiSteps
from gateway.store.database import Database
from gateway.store.history_steps import HistorySteps
from gateway.store.mail_steps import MailSteps
from gateway.store.money_steps import MoneySteps
from gateway.store.operation_steps import OperationSteps
from gateway.store.part_steps import PartSteps


class AcceptanceSteps:
    """Part of the Applier."""

    def __init__(
        self,
        boot: int,
        db: Database,
        api: ApiSteps,
        history: HistorySteps,
        mail: MailSteps,
        money: MoneySteps,
        parts: PartSteps,
        operations: OperationSteps,
    ) -> None:
        self._boot = boot
        self._many = db.many
        self._api = api
        self._history = history
        self._mail = mail
        self._money = money
        self._parts = parts
        self._operations = operations

    def apply(self, batch: Batch, answer: Answer) -> bool:
        """What comes in; whether messages end that it takes the place of."""
        if batch.request_keys:
            self._api.leave_out_repeated(batch, answer)
        accepted, intents = batch.accepted, batch.intents
        if batch.registered:
            self._history.register(batch.registered)
        if batch.mails:
            accepted, intents = self._mail.take(batch, answer)
        if accepted:
            self._many("insert_message", accepted)
        if intents:
            self._many("insert_intent", [(*row, self._boot) for row in intents])
        if batch.assigned:
            self._many("insert_assigned", [(*row, self._boot) for row in batch.assigned])
        if batch.charges:
            kept = {row[0] for row in accepted} if answer.repeated else None
            self._money.charge(batch.charges, kept)
        if batch.parts:
            self._parts.gather(batch.parts, answer)
        if batch.replaced_by:
            self._operations.replace(batch.replaced_by)
        return bool(batch.replaced_by)
