"""What comes to a gateway beside the load: mails, requests over HTTP, and sessions that come and go."""

from __future__ import annotations

import base64
import http.client
import json
import smtplib
import socket
import struct

from harness import Place
from kill import HOST

FIRST_MARKER = 79_000_000_000
PATIENCE_S = 30.0
BIND_TRX, UNBIND = 0x00000009, 0x00000006
HEAD = struct.Struct(">4I")


class SideTraffic:
    """Sends one of each at a time, each over a connection of its own, and knows what was acknowledged."""

    def __init__(self, place: Place, smtp_port: int, http_port: int) -> None:
        self._place, self._smtp_port, self._http_port = place, smtp_port, http_port
        self.acked: list[int] = []
        """Markers, which are numbers that messages went to."""
        self.refused = 0
        self.tried = 0
        self.rounds = 0

    def once(self) -> None:
        """A mail, a request and a session."""
        self.rounds += 1
        for send in (self._mail, self._request):
            self.tried += 1
            marker = FIRST_MARKER + self.tried
            try:
                send(marker)
                self.acked.append(marker)
            except (OSError, smtplib.SMTPException, http.client.HTTPException):
                self.refused += 1
        self._session()

    def _mail(self, marker: int) -> None:
        with smtplib.SMTP(HOST, self._smtp_port, timeout=PATIENCE_S) as server:
            head = f"From: soak@example.org\r\nMessage-ID: <{marker}@example.org>\r\n"
            text = f"{head}Subject: Alert\r\n\r\n{marker}"
            server.sendmail("soak@example.org", f"{marker}@sms.example.org", text)

    def _request(self, marker: int) -> None:
        connection = http.client.HTTPConnection(HOST, self._http_port, timeout=PATIENCE_S)
        try:
            login = base64.b64encode(f"kill:{self._place.password}".encode()).decode()
            body = json.dumps({"to": f"+{marker}", "text": str(marker)})
            headers = {"Authorization": f"Basic {login}", "Content-Type": "application/json"}
            connection.request("POST", "/v1/messages", body, headers)
            answer = connection.getresponse()
            if answer.status != http.client.ACCEPTED:
                raise http.client.HTTPException(f"{answer.status} {answer.read()!r}")
        finally:
            connection.close()

    def _session(self) -> None:
        """Binds and unbinds, in octets of its own."""
        body = b"kill\0" + self._place.password.encode() + b"\0\0\x34\0\0\0"
        with socket.create_connection((HOST, self._place.port), PATIENCE_S) as link:
            link.sendall(HEAD.pack(16 + len(body), BIND_TRX, 0, 1) + body)
            link.recv(4096)
            link.sendall(HEAD.pack(16, UNBIND, 0, 2))
            while link.recv(4096):
                pass
