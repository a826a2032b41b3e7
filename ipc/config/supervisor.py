"""Process life, memory and recording."""

from __future__ import annotations

from typing import Annotated

from ipc.config.base import Count, Positive, Seconds, Section, doc


class SupervisorSection(Section, frozen=True):
    """Process life, memory and recording."""

    memory_budget_gb: Annotated[Positive, doc("All workers together must fit into this.")] = 100.0
    min_free_gb: Annotated[
        Seconds, doc("A worker starts only if this much memory stays available, GB.")
    ] = 0.5
    shed_below_gb: Annotated[
        Seconds, doc("Below this much available memory workers are shed by shed_order, GB.")
    ] = 0.3
    heartbeat_s: Annotated[Positive, doc("Time between two beats of a worker, seconds.")] = 1.0
    beat_timeout_s: Annotated[
        Positive, doc("No beat for this long and the worker counts as hung, seconds.")
    ] = 5.0
    stall_timeout_s: Annotated[
        Positive, doc("Busy without progress for this long counts as hung, seconds.")
    ] = 20.0
    drain_s: Annotated[Positive, doc("Time a worker has to finish what it has, seconds.")] = 4.0
    term_s: Annotated[Positive, doc("Time between SIGTERM and SIGKILL, seconds.")] = 1.5
    backoff_base_s: Annotated[Positive, doc("First delay before a restart, seconds.")] = 0.25
    backoff_max_s: Annotated[Positive, doc("Longest delay before a restart, seconds.")] = 30.0
    stable_s: Annotated[
        Positive, doc("Ready for this long and the next delay is the first one again, seconds.")
    ] = 120.0
    meter_s: Annotated[Positive, doc("Time between two memory and CPU readings, seconds.")] = 5.0
    record: Annotated[bool, doc("Write every event to DIR/recordings of the state directory.")] = (
        True
    )
    record_file_mb: Annotated[Positive, doc("A new recording file begins at this size, MB.")] = 32
    record_files: Annotated[Count, doc("Oldest recording files beyond this many go.")] = 8
