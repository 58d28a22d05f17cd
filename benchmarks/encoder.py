"""Measures how many texts a second are written: alphabet chosen, encoded, cut into segments, on one core.

    python benchmarks/encoder.py [--write docs/text.md]

Short texts of several kinds, through the public functions, by the time that this process has the core.  Each
figure is the best of several runs: others share the machine, and what they take is no cost of ours.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from figures import write

from gateway.core.texts import rewrite
from protocols.sms.encoding import choose_national
from protocols.sms.segments import segment_text

TEXTS = 2_000
WANTED = 200_000
SEED = 5

_LATIN = "your code order number sent today please call back before noon thank you for the visit"
_RUSSIAN = "ваш код заказ отправлен сегодня перезвоните до полудня спасибо за визит"
_TURKISH = "değerli müşterimiz siparişiniz yola çıktı bugün teslim edilecek lütfen evde olunuz"
_HINDI = "आपका ऑर्डर भेज दिया गया है आज शाम तक मिल जाएगा"


def texts_of(words: str, most: int, extra: Sequence[str] = ()) -> list[str]:
    """Texts of 20 to `most` characters, no two alike."""
    chance = random.Random(SEED)
    found = []
    for number in range(TEXTS):
        length = chance.randint(20, most)
        text = f"{number} "
        while len(text) < length:
            text += chance.choice([*words.split(), *extra]) + " "
        found.append(text[:length])
    return found


KINDS = {
    "GSM 7 bit, to 160 characters": texts_of(_LATIN, 160),
    "GSM 7 bit with € and {}": texts_of(_LATIN, 160, ["5 €", "{you}", "[x]", "10 €"]),
    "Cyrillic, to 160 characters": texts_of(_RUSSIAN, 160),
    "Cyrillic, to 70 characters": texts_of(_RUSSIAN, 70),
    "Latin with emoji, to 160 characters": texts_of(_LATIN, 160, ["😀", "👍🏽", "❤️"]),
}
MIX = [text for group in zip(*KINDS.values(), strict=True) for text in group]
TURKISH = texts_of(_TURKISH, 160)
HINDI = texts_of(_HINDI, 160)


FIVE = ("spanish", "portuguese", "turkish", "hindi", "urdu")
RUNS: dict[str, tuple[Callable[[str], object], Sequence[str]]] = {
    "all five in turn": (segment_text, MIX),
    **{name: (segment_text, texts) for name, texts in KINDS.items()},
    "Turkish with its shift tables": (lambda text: choose_national(text, ("turkish",)), TURKISH),
    "Hindi with its shift tables": (lambda text: choose_national(text, ("hindi",)), HINDI),
    "Turkish, tables of five languages allowed": (lambda text: choose_national(text, FIVE), TURKISH),
    "Cyrillic, policy latin": (
        lambda text: rewrite(text, "latin", ()),
        KINDS["Cyrillic, to 160 characters"],
    ),
}


def measure(repeat: int) -> dict[str, float]:
    """Texts a second of each run: the best of so many turns, in each of which all are run."""
    best = dict.fromkeys(RUNS, float("inf"))
    for _ in range(repeat):
        for name, (run, texts) in RUNS.items():
            started = time.process_time()
            for text in texts:
                run(text)
            best[name] = min(best[name], time.process_time() - started)
    return {name: len(texts) / best[name] for name, (_, texts) in RUNS.items()}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", type=Path, help="the page to write the table into")
    parser.add_argument("--repeat", type=int, default=15, help="turns; the best of each counts")
    args = parser.parse_args()
    found = measure(args.repeat)
    mixed = found["all five in turn"]
    rows = [("texts", "wanted", "found"), ("---",) * 3]
    rows += [
        (name, f">= {WANTED:,}/s" if rate is mixed else "", f"{rate:,.0f}/s") for name, rate in found.items()
    ]
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in rows)
    print(table)
    if args.write:
        write(args.write, table, "encoder figures")
    return 0 if mixed >= WANTED else 1


if __name__ == "__main__":
    sys.exit(main())
