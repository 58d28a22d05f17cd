"""A library's functions, called by lines: {"call": name, argument: value, …} in, {"answer": …} out.

What a function raises is {"raised": its type, "text": what it says}.
"""

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any


def serve(calls: Mapping[str, Callable[..., Any]]) -> None:
    """Answer each line of standard input, until it ends."""
    for line in sys.stdin:
        arguments = json.loads(line)
        call = calls[arguments.pop("call")]
        try:
            said = {"answer": call(**arguments)}
        except Exception as error:
            said = {"raised": type(error).__name__, "text": str(error)}
        print(json.dumps(said), flush=True)
