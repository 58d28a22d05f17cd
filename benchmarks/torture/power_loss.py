"""P1: the power fails while messages flow: what the disk has at that moment is what the next start finds."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from harness import SLOW, Gateway, prepare, processes, running, sending, smsc, until_flowing
from images import cut_power, make, mounted
from part import Part, Row, Run, at_least, count
from store_alone import Alone
from stored import acknowledged_ids, stored

IMAGES, IMAGES_SHORT = 50, 3
CONTROLS, CONTROLS_SHORT = 5, 2
RATE = 300.0
TELL_EVERY = 10
UNSYNCED = Path(__file__).with_name("unsynced.py")


class Losses(NamedTuple):
    """What the images of one gateway show."""

    acked: list[int]
    """Of each image: messages that had been acknowledged before."""
    lost: list[int]
    """Of each image: those of them that are not in it."""
    damaged: int
    """Images whose store SQLite finds damaged."""


def lose_power(run: Run, images: int, before: tuple[str, ...] = ()) -> Losses:
    """Takes images of a gateway under load, and looks into each of them."""
    chance = random.Random(run.seed)
    acked: list[int] = []
    lost: list[int] = []
    damaged = 0
    image, copy = run.ledgers / "disk.img", run.ledgers / "copy.img"
    make(image)
    with mounted(image, run.folder / "state"), smsc(run, *SLOW) as upstream_port:
        place = prepare(run, upstream_port)
        gateway = Gateway(run.folder, before=before)
        with running(gateway), sending(run, place, RATE):
            until_flowing(run)
            while len(acked) < images:
                time.sleep(chance.uniform(0.3, 1.5))
                with stopped(gateway.pid):
                    cut_power(image, copy)
                    # All of them were sent before the gateway was stopped, so before the copy was made.
                    promised = acknowledged_ids(run.ledgers / "sender.jsonl")
                missing, is_sound = look(run, copy, promised)
                acked.append(len(promised))
                lost.append(missing)
                damaged += not is_sound
                if len(acked) % TELL_EVERY == 0:
                    run.say(f"{len(acked)} images")
    return Losses(acked, lost, damaged)


@contextlib.contextmanager
def stopped(pid: int) -> Iterator[None]:
    """While this lasts, a gateway does nothing."""
    held = processes(pid)
    for one in held:
        os.kill(one, signal.SIGSTOP)
    try:
        yield
    finally:
        for one in held:
            os.kill(one, signal.SIGCONT)


def look(run: Run, copy: Path, promised: frozenset[int]) -> tuple[int, bool]:
    """How many promised messages a start on this disk does not find, and whether its store is sound."""
    with mounted(copy, run.folder / "after") as folder:
        store = Alone(folder)
        store.ready()
        store.close()
        found = stored(folder, run.ledgers)
    return len(promised - found.known), found.integrity == "ok"


def apart(run: Run, name: str) -> Run:
    """The same run in folders of its own."""
    folders = run._replace(folder=run.folder / name, ledgers=run.ledgers / name)
    folders.folder.mkdir()
    folders.ledgers.mkdir()
    return folders


def power_fails(run: Run) -> list[Row]:
    """The images, and the control."""
    images = IMAGES if run.full else IMAGES_SHORT
    found = lose_power(apart(run, "synced"), images)
    unsynced = (sys.executable, str(UNSYNCED))
    control = lose_power(apart(run, "unsynced"), CONTROLS if run.full else CONTROLS_SHORT, before=unsynced)
    return [
        at_least("images of the disk", len(found.acked), images),
        at_least("messages acknowledged before the last one", found.acked[-1], 100),
        count("images in which some of them are lost", sum(map(bool, found.lost))),
        count("lost, in all images", sum(found.lost)),
        count("images whose store is damaged", found.damaged),
        Row("control with synchronous=NORMAL: images", f"{len(control.acked):,}"),
        at_least("control: lost, in all images", sum(control.lost), 1),
    ]


PARTS = (
    Part(
        name="P1",
        title="power loss",
        how=f"A gateway under {RATE:g} messages/s has its state on an ext4 filesystem in an image. At random"
        " moments it is stopped for the time of a copy of the image: what the kernel has not yet written to"
        " the device is not in it. A store is started on each copy, and every message that had been"
        " acknowledged is looked for. The control does not wait for the disk, and has to lose something.",
        run=power_fails,
    ),
)
