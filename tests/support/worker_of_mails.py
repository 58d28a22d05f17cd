"""A process in place of gateway.ingress.mail_worker that does what a mail's text says.

`die` ends the process, `hang` answers no more, `slow` takes a while, `refuse` is a MailError; any other text
is read.  The file named by SMSC_TEST_SEEN gets a line for each text, before anything is done about it.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from pathlib import Path

from gateway.core.frames import encode_frame, take_frames

SEEN = Path(os.environ["SMSC_TEST_SEEN"])
channel = socket.socket(fileno=int(sys.argv[1]))
channel.setblocking(True)
buffer = bytearray()
while data := channel.recv(1 << 20):
    buffer += data
    answers = []
    for number, raw, style in take_frames(buffer):
        text = raw[:20].decode()
        with SEEN.open("a") as file:
            file.write(text + "\n")
        if text == "die":
            os._exit(1)
        if text == "hang":
            signal.pause()
        if text == "slow":
            time.sleep(0.12)
        if text == "refuse":
            answers.append(encode_frame((number, "554 5.6.0", "too deep", None)))
        else:
            reading = (text + style[0], "", "", (), "", False, 0, (), 0, "", 0, "", ())
            answers.append(encode_frame((number, "", "", reading)))
    channel.sendall(b"".join(answers))
