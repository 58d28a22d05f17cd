"""The configuration: every option that is in force, and what stands on the disk now."""

from __future__ import annotations

import asyncio
from dataclasses import fields
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from gateway.admin.reload import plan_as_dict
from gateway.config.files import prints_of
from gateway.config.load import load_with_places
from gateway.config.model import Config
from gateway.config.options import Option, options_of, text_of, written_at
from gateway.config.problems import ConfigError
from gateway.config.sections import Reading
from gateway.ops.control import Handler, Reply, Request
from gateway.reloading import Loaded
from gateway.wiring import warnings_of

if TYPE_CHECKING:
    from gateway.daemon import Daemon

LIMIT_MAX = 1000
TOLD_MAX = 200
"""So many mistakes, and so many warnings, are told one by one."""
RECENT_S = 2.0
"""Files that were read for one part of a page are not read again for the next one."""
NO_FILE = {"file": None}
"""Of a gateway that was not started from one."""


class Wanted(NamedTuple):
    """Which options."""

    section: str
    """Of the outermost ones; "": all."""
    words: str
    """A part of the key, or of a value that is shown."""
    defaults: bool
    """Also those that hold their default."""

    def fits(self, option: Option) -> bool:
        if option.is_default and not self.defaults:
            return False
        return not self.words or self.words in option.key or self.words in text_of(option)


class OnDisk(NamedTuple):
    """What the files said, and when by the gateway's clock."""

    at: float
    config: Config
    reading: Reading


def handlers(daemon: Daemon) -> dict[str, Handler]:
    """What can be asked of the configuration."""
    latest: OnDisk | None = None

    async def config(request: Request) -> Reply:
        """Options in force from the number `after` on; `next` is what to give as `after` then."""
        wanted = Wanted(
            str(request.get("section") or ""), str(request.get("words") or ""), bool(request.get("defaults"))
        )
        after, limit = int(request.get("after") or 0), min(int(request["limit"]), LIMIT_MAX)
        if after < 0 or limit < 1:
            raise ValueError("after is at least 0, limit at least 1")
        nonlocal latest
        known, latest = latest, None  # it may be large
        if known is not None and daemon.clock.now() - known.at > RECENT_S:
            known = None
        path = daemon.config_file
        return await asyncio.to_thread(_in_force, daemon.config, path, known, wanted, after, limit)

    async def config_on_disk(request: Request) -> Reply:
        """What is wrong, or odd, with the files now, and what taking them over would do."""
        nonlocal latest
        path = daemon.config_file
        if path is None:
            return NO_FILE
        try:
            loaded, latest, warnings = await asyncio.to_thread(_look, path, daemon.clock.now())
        except ConfigError as error:
            latest = None
            return {"file": str(path), "problems": _told(error.problems), "count": len(error.problems)}
        plan, shown = await daemon.reloading.planned(loaded)
        return {"file": str(path), "warnings": warnings, "shown": shown, **plan_as_dict(plan)}

    return {"config": config, "config_on_disk": config_on_disk}


def _in_force(
    config: Config, path: Path | None, known: OnDisk | None, wanted: Wanted, after: int, limit: int
) -> Reply:
    sections = [a_field.name for a_field in fields(config)]
    found = (option for option in options_of(config, only=wanted.section) if wanted.fits(option))
    options = list(islice(found, after, after + limit + 1))
    places = _places(path, known, wanted.section, {option.key for option in options})
    return {
        "file": str(path) if path is not None else None,
        "sections": sections,
        "rows": [_row(option, places) for option in options[:limit]],
        "next": after + limit if len(options) > limit else None,
    }


def _places(
    path: Path | None, known: OnDisk | None, section: str, keys: set[str]
) -> dict[str, tuple[Option, Reading]]:
    """Of these options those that stand in the files now, by key; empty where these have mistakes."""
    if path is None:
        return {}
    try:
        config, reading = (known.config, known.reading) if known is not None else load_with_places(path)
    except ConfigError:
        return {}
    found = (option for option in options_of(config, only=section) if option.key in keys)
    return {option.key: (option, reading) for option in islice(found, len(keys))}


def _row(option: Option, places: dict[str, tuple[Option, Reading]]) -> dict[str, Any]:
    """Its place is told where the same value stands there now."""
    found = places.get(option.key)
    written = written_at(found[1], found[0].place) if found is not None else None
    return {
        "key": option.key,
        "value": text_of(option),
        "is_default": option.is_default,
        "file": written.file if written is not None else None,
        "line": written.line if written is not None else None,
        "is_other": found is not None and found[0].value != option.value,
    }


def _look(path: Path, now: float) -> tuple[Loaded, OnDisk, list[dict[str, Any]]]:
    config, reading = load_with_places(path)
    on_disk = OnDisk(now, config, reading)
    return Loaded(config, prints_of(config)), on_disk, _told(warnings_of(config, reading))


def _told(problems: list[Any]) -> list[dict[str, Any]]:
    return [problem.as_dict() for problem in problems[:TOLD_MAX]]
