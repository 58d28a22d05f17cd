"""The steps of a batch that are about small things that accounts keep, and about their address books."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.core.api import Contact
from gateway.core.batch import Batch, Row
from gateway.store.steps import Many, Run

_RECORD = "record:"
_CONTACT = "contact"


class RecordSteps:
    """Part of the Applier; `run` and `many` run the named statements in its transaction."""

    def __init__(self, run: Run, many: Many) -> None:
        self._run = run
        self._many = many

    def newest(self) -> tuple[dict[str, int], int]:
        """The highest ids that were ever given: of each kind of record, and of contacts."""
        found = dict(self._run("list_newest").fetchall())
        contact = found.pop(_CONTACT, 0)
        return {name.removeprefix(_RECORD): id for name, id in found.items()}, contact

    def apply(self, batch: Batch) -> None:
        """Records and contacts, new, changed, and gone."""
        if batch.records:
            self._many("put_record", batch.records)
            newest: dict[str, int] = {}
            for kind, _, record_id, *_ in batch.records:
                newest[kind] = max(newest.get(kind, 0), record_id)
            self._many("keep_newest", [(_RECORD + kind, id) for kind, id in newest.items()])
        if batch.records_gone:
            self._many("drop_record", batch.records_gone)
        if batch.records_changed:
            self._many("change_record", batch.records_changed)
        if batch.contacts:
            self._put_contacts([Contact(*row) for row in batch.contacts])
        if batch.contacts_gone:
            self._drop_contacts(batch.contacts_gone)

    def _put_contacts(self, contacts: list[Contact]) -> None:
        last = {one.contact_id: one for one in contacts}  # what was written last counts
        self._drop_contacts([(one.account, one.contact_id) for one in last.values()])
        self._many("put_contact", last.values())
        for one in last.values():
            numbers = [(one.account, one.is_mail, number, one.contact_id) for number in one.numbers.split()]
            self._many("insert_contact_number", numbers)
            self._many("insert_group_member", [(int(group), one.contact_id) for group in one.groups.split()])
        self._many("keep_newest", [(_CONTACT, max(last))])

    def _drop_contacts(self, rows: Iterable[Row]) -> None:
        rows = list(rows)
        self._many("delete_group_members", rows)  # first: the contact says whose they are
        self._many("delete_contact_numbers", rows)
        self._many("delete_contact", rows)
