"""The answers of the SMSC service that its reference shows, each in the formats that it has.

`tests/vectors/smsc_http/answers.json`: `value` is what fmt 3 says, `texts` the octets by format, a line each,
`lacks` the members that a format cannot tell.  `failures.json`: the errors.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

VECTORS = Path(__file__).parents[1] / "vectors" / "smsc_http"


class Vector(NamedTuple):
    name: str
    operation: str
    params: dict[str, str]
    texts: dict[int, str]
    value: Any
    lacks: dict[str, list[str]]

    def told(self, fmt: int) -> Any:
        """What of the value stands in the text of a format."""
        lacks = self.lacks.get(str(fmt), [])
        records = self.value if isinstance(self.value, list) else [self.value]
        kept = [{name: found for name, found in record.items() if name not in lacks} for record in records]
        return kept if isinstance(self.value, list) else kept[0]


def _texts(case: dict[str, Any]) -> dict[int, str]:
    return {int(fmt): "\n".join(lines) for fmt, lines in case["texts"].items()}


def successes() -> list[Vector]:
    return [
        Vector(
            case["name"],
            case["operation"],
            case.get("params", {}),
            _texts(case),
            case["value"],
            case.get("lacks", {}),
        )
        for case in json.loads((VECTORS / "answers.json").read_text("utf-8"))
    ]


def failures() -> list[Vector]:
    """`value` is number, text and id."""
    return [
        Vector(
            case["name"],
            case["operation"],
            {},
            _texts(case),
            (case["number"], case["text"], case["id"]),
            {},
        )
        for case in json.loads((VECTORS / "failures.json").read_text("utf-8"))
    ]
