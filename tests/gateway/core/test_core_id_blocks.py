"""Numbers come from blocks of the store's, which are asked for before the last one is used up."""

from __future__ import annotations

from collections.abc import Callable

from gateway.core.batch import Answer, Batch
from gateway.core.id_blocks import BLOCK, BLOCK_MAX, IdBlocks


class Store:
    """A journal whose store gives every number once, to this node and to another one by turns."""

    def __init__(self) -> None:
        self.batch = Batch()
        self.error = ""
        self.answer = Answer()
        self.last = 0
        self.callbacks: list[Callable[[bool], object]] = []

    def then(self, callback: Callable[[bool], object]) -> None:
        self.callbacks.append(callback)

    def wake(self) -> None:
        """Nothing waits."""

    def commit(self, blocks: IdBlocks, *, ok: bool = True) -> list[int]:
        asked, self.batch = self.batch.id_blocks, Batch()
        rows = []
        for name, many in asked:
            rows.append((name, self.last + 1, many))
            self.last += 2 * many
        if ok:
            blocks.given(rows)
        callbacks, self.callbacks = self.callbacks, []
        for callback in callbacks:
            callback(ok)
        return [many for _, many in asked]


def test_nothing_is_given_before_the_store_has_answered() -> None:
    store = Store()
    blocks = IdBlocks(store)
    assert blocks.next("contact", 0.0) is None
    store.commit(blocks)
    assert [blocks.next("contact", 1.0) for _ in range(3)] == [1, 2, 3]


def test_another_block_is_asked_for_when_one_is_half_used_up() -> None:
    store = Store()
    blocks = IdBlocks(store)
    blocks.ask(["contact"])
    assert store.commit(blocks) == [BLOCK]
    for _ in range(BLOCK // 2):
        blocks.next("contact", 100.0)
    assert not store.batch.id_blocks
    blocks.next("contact", 100.0)
    blocks.next("contact", 100.0)
    assert store.batch.id_blocks == [("contact", BLOCK)]
    store.commit(blocks)
    found = [blocks.next("contact", 200.0) for _ in range(BLOCK)]
    assert found[BLOCK // 2 - 3 : BLOCK // 2] == [BLOCK - 0, 2 * BLOCK + 1, 2 * BLOCK + 2]
    assert len(set(found)) == BLOCK


def test_whoever_is_in_a_hurry_gets_larger_blocks() -> None:
    store = Store()
    blocks = IdBlocks(store)
    blocks.ask(["contact"])
    sizes = store.commit(blocks)
    while sizes[-1] < BLOCK_MAX:
        assert blocks.next("contact", 10.0 + len(sizes)) is not None
        sizes += store.commit(blocks)
    assert sizes[:4] == [BLOCK, BLOCK, 2 * BLOCK, 4 * BLOCK]


def test_what_could_not_be_stored_is_asked_for_again() -> None:
    store = Store()
    blocks = IdBlocks(store)
    blocks.ask(["contact"])
    store.commit(blocks, ok=False)
    assert blocks.next("contact", 0.0) is None
    assert store.commit(blocks) == [BLOCK]
    assert blocks.next("contact", 0.0) is not None


def test_names_have_numbers_of_their_own_and_what_others_asked_for_is_theirs() -> None:
    store = Store()
    blocks = IdBlocks(store)
    blocks.ask(["contact", "record:user"])
    blocks.ask(["contact"])
    assert store.commit(blocks) == [BLOCK, BLOCK]
    blocks.given([("record:invoice", 5, 1)])
    assert blocks.next("record:user", 0.0) == 2 * BLOCK + 1
    assert blocks.next("contact", 0.0) == 1
