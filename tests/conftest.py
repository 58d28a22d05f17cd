"""Generated tests measure no time: on a busy machine an example may take seconds."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile(
    "patient", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("patient")
