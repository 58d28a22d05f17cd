"""Money that goes from one balance to another because its owner wants it."""

from __future__ import annotations

from gateway.core.conditions import ask_for_move
from gateway.core.prices import amount_text
from gateway.front.desk import Desk, committed

NOTE = "users.php"


async def move(desk: Desk, giver: str, taker: str, amount: int, who: str, *, floor: int = 0) -> bool:
    """Moves it in one commit; whether there is so much has been asked. Unavailable: nothing has moved.

    False: other nodes have spent it meanwhile; `floor`: the giver may have so little afterwards. What leaves
    is gone at once; what comes counts when it is committed, even if the client no longer waits.
    """
    ledger, now_ms = desk.submission.ledger, desk.clock.now_ms()
    rows = desk.journal.batch.credits
    move_id = ask_for_move(desk.submission, desk.journal.batch, giver, amount, floor, now_ms)
    rows.append((giver, -amount, now_ms, who, f"{NOTE}: to {taker}"))
    rows.append((taker, amount, now_ms, who, f"{NOTE}: from {giver}"))
    ledger.purse(giver).balance -= amount

    def settle(ok: bool) -> None:
        if move_id in desk.submission.refused_late:
            return  # what is left was said with the refusal
        if ok:
            ledger.credited(giver, 0)
            ledger.credited(taker, amount)
        else:
            ledger.given_back(giver, amount)

    desk.journal.then(settle)
    answer = await committed(desk.journal)
    if any(refused == move_id for refused, _ in answer.refused_late):
        return False
    for account, change in ((giver, -amount), (taker, amount)):
        balance = amount_text(ledger.purse(account).balance)
        desk.events.say(
            "info", "balance_changed", account=account, amount=amount_text(change), balance=balance, who=who
        )
    return True
