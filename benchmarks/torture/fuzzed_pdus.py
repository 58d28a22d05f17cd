"""F1: malformed PDUs at the decoder and at live sessions, beside applications that behave (fuzz.py)."""

from __future__ import annotations

import fuzz
import fuzz_live
from part import Part, Row, Run, at_least, count

FULL, SHORT = (1_000_000, 50_000), (100_000, 300)
"""PDUs at the decoder, and at sessions."""


def run(run: Run) -> list[Row]:
    """The decoder first, so that its time is its own."""
    pdus, live_pdus = FULL if run.full else SHORT
    decoder = fuzz.decode_all(pdus, run.seed)
    run.say(f"{decoder.pdus:,} PDUs decoded or refused in {decoder.seconds:.0f} s")
    live = fuzz_live.run(live_pdus, run.seed, run.folder, fuzz.LATENCY_S)
    return [*_of_the_decoder(decoder, pdus), *_of_the_gateway(live, live_pdus)]


def _of_the_decoder(found: fuzz.Decoder, pdus: int) -> list[Row]:
    return [
        at_least("PDUs at the decoder", found.pdus, pdus),
        at_least(
            "of these read, and refused: the fewer of the two", min(found.decoded, found.refused), pdus // 5
        ),
        count("crashes: an error that is not documented", found.crashes),
        count("hangs: longer than a second", found.hangs),
        count("read otherwise when written again", found.differing),
        Row("the first failure", found.first or "none"),
        Row("the longest one took", f"{found.longest_ms} ms"),
    ]


def _of_the_gateway(live: fuzz_live.Live, pdus: int) -> list[Row]:
    grown = live.memory_end_mib - live.memory_begin_mib
    return [
        at_least("PDUs at sessions of the gateway", live.client_pdus + live.smsc_pdus, pdus),
        at_least("sessions of the attackers", live.client_sessions + live.smsc_sessions, 2),
        at_least("answers that the attackers got", live.answers, 1),
        count("crashes of the gateway, or faults in its log", live.crashes),
        count("hangs: no answer, or no bind, within 10 s", live.hangs),
        at_least("messages of others meanwhile", live.good_sent, 50),
        count("of these without an answer of ESME_ROK", live.good_sent - live.good_answered),
        count("of these without a receipt", live.good_sent - live.good_receipts),
        count("sessions of others that ended", live.good_lost),
        Row("answer to others under attack, median and worst", f"{live.median_ms} ms, {live.worst_ms} ms"),
        Row(
            "memory grew by",
            f"{grown:.1f} MiB",
            f"≤ {fuzz.GROWTH_MIB:.0f} MiB",
            grown <= fuzz.GROWTH_MIB,
        ),
    ]


PARTS = (
    Part(
        "F1",
        "Malformed PDUs",
        "PDUs of the vectors, with bits, octets, lengths, TLVs and headers changed by a seeded generator, at"
        " the decoder and at sessions of a running gateway, from six applications and from an SMSC. Four"
        " applications of another account send meanwhile and count what they get.",
        run,
    ),
)
