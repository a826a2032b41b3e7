"""What all tables of config.toml have in common."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


def doc(text: str) -> Meta:
    return Meta(description=text)


Seconds = Annotated[float, Meta(ge=0)]
Positive = Annotated[float, Meta(gt=0)]
Count = Annotated[int, Meta(ge=1)]
Port = Annotated[int, Meta(ge=0, le=65535)]


class Section(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of config.toml."""


class WorkerSection(Section, frozen=True):
    """Keys every worker's table has."""

    enabled: Annotated[bool, doc("Start this worker with the show.")] = True
    python: Annotated[
        str, doc("Interpreter for this worker; empty means the one that runs the supervisor.")
    ] = ""
    memory_gb: Annotated[Positive, doc("Memory set aside for it; counts towards the budget.")] = 1.0
    restart_limit: Annotated[Count, doc("Give up after this many crashes within the window.")] = 5
    restart_window_s: Annotated[Positive, doc("Length of that sliding window, seconds.")] = 300.0
    load_timeout_s: Annotated[Positive, doc("Longest time from spawn to ready, seconds.")] = 120.0
    shed_order: Annotated[
        int,
        Meta(ge=0, description="When memory runs out: 1 is stopped first, then 2 ...; 0 never."),
    ] = 0
