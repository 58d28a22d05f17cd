"""Batches and answers as frames between the gateway and the process that writes."""

from __future__ import annotations

from dataclasses import fields

from gateway.core.batch import BATCH_FIELDS, Answer, Batch
from gateway.core.frames import encode_frame

ANSWER_FIELDS = tuple(f.name for f in fields(Answer))


def encode(value: Batch | Answer) -> bytes:
    """The frame of its lists, in the order of its fields."""
    names = BATCH_FIELDS if isinstance(value, Batch) else ANSWER_FIELDS
    return encode_frame(tuple(getattr(value, name) for name in names))
