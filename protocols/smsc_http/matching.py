"""Finding the values in the lines of fmt 0 and 1, by their templates.

Nothing is escaped in these formats. A line fits when its values can be told apart: from the front up to the
one that may hold anything, and from the end back to it.
"""

from __future__ import annotations

from collections.abc import Sequence

from protocols.smsc_http.layouts import Block, Template


def by_blocks(blocks: Sequence[Block], text: str) -> dict[str, object] | None:
    """What the lines hold, None when they do not fit."""
    if len(blocks) == 1 and not blocks[0].rows:
        only = matched(blocks[0].template, text)
        return None if only is None else dict(only)
    rows = [line.rstrip("\r") for line in text.split("\n") if line.strip()]
    found: dict[str, object] = {}
    at = 0
    for block in blocks:
        read: list[dict[str, str]] = []
        while at < len(rows) and (block.rows or not read):
            row = matched(block.template, rows[at])
            if row is None:
                break
            read.append(row)
            at += 1
        if block.rows and read:
            found[block.rows] = read
        elif not block.rows:
            if not read:
                return None
            found.update(read[0])
    return found if at == len(rows) else None


def matched(template: Template, line: str) -> dict[str, str] | None:
    """The values in a line: up to the free one from the front, after it from the end."""
    parts, tail = template.parts, template.tail
    if not line.startswith(parts[0].before) or not line.endswith(tail):
        return None
    names = [part.member for part in parts]
    middle = names.index(template.free) if template.free else len(parts) - 1
    found: dict[str, str] = {}
    at, end = len(parts[0].before), len(line) - len(tail)
    here = 0
    while here < middle:
        after = here + 1
        next_at = line.find(parts[after].before, at, end)
        while parts[after].optional and after < middle:
            beyond = line.find(parts[after + 1].before, at, end)
            if next_at >= 0 and not 0 <= beyond < next_at:
                break
            after, next_at = after + 1, beyond
        if next_at < 0:
            found[names[here]] = line[at:end]
            return found if all(part.optional for part in parts[here + 1 :]) else None
        found[names[here]] = line[at:next_at]
        here, at = after, next_at + len(parts[after].before)
    for part in reversed(parts[middle + 1 :]):
        before = line.rfind(part.before, at, end)
        if before < 0:
            return None
        found[part.member] = line[before + len(part.before) : end]
        end = before
    found[names[middle]] = line[at:end]
    is_split = len(parts) > 1 and not template.free and parts[-1].before in found[names[-1]]
    return None if at > end or is_split else found
