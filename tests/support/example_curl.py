"""What `curl` prints in an example of a manual: the few options that the manuals use, without curl."""

from __future__ import annotations

import argparse
import base64
import json
import urllib.error
import urllib.request
from collections.abc import Sequence

SHOWN_HOST = "https://sms.example.org"
_parser = argparse.ArgumentParser("curl", add_help=False, allow_abbrev=False)
_parser.add_argument("url")
_parser.add_argument("-u", dest="user")
_parser.add_argument("-X", dest="method")
_parser.add_argument("-H", dest="headers", action="append", default=[])
_parser.add_argument("-d", dest="data")
_parser.add_argument("--json")
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def curl(arguments: Sequence[str], host: str, port: int, password: str) -> str:
    """The body of the answer; JSON is shown with line breaks. `$PASSWORD` is the password."""
    asked = _parser.parse_args([one.replace("$PASSWORD", password) for one in arguments])
    assert asked.url.startswith(SHOWN_HOST), f"examples ask {SHOWN_HOST}"
    body = asked.json or asked.data
    request = urllib.request.Request(
        asked.url.replace(SHOWN_HOST, f"http://{host}:{port}"),
        None if body is None else body.encode(),
        dict(header.split(": ", 1) for header in asked.headers),
        method=asked.method,
    )
    if asked.json:
        request.add_header("Content-Type", "application/json")
    if asked.user:
        request.add_header("Authorization", "Basic " + base64.b64encode(asked.user.encode()).decode())
    try:
        with _direct.open(request, timeout=20) as answer:
            return _shown(answer.headers.get_content_type(), answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return _shown(error.headers.get_content_type(), error.read())


def _shown(content_type: str, body: bytes) -> str:
    if content_type.endswith("json"):
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    return body.decode()
