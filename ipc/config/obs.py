"""OBS Studio, which is remote-controlled if it is there."""

from __future__ import annotations

from typing import Annotated

from ipc.config.base import Port, Positive, WorkerSection, doc


class ObsSection(WorkerSection, frozen=True):
    """OBS Studio through obs-websocket. Its password is the secret obs_password."""

    enabled: Annotated[bool, doc("Start this worker with the show.")] = False
    memory_gb: Annotated[Positive, doc("Memory set aside for it.")] = 0.1
    host: Annotated[str, doc("Address of the machine OBS runs on.")] = "127.0.0.1"
    port: Annotated[Port, doc("Port of OBS's WebSocket server.")] = 4455
    scene_on_air: Annotated[str, doc("Scene while she answers; empty leaves OBS as it is.")] = ""
    scene_held: Annotated[str, doc("Scene while the show is held; empty leaves OBS as it is.")] = ""
    scene_break: Annotated[
        str, doc("Scene when nobody is there to answer, and at the end; empty leaves OBS as it is.")
    ] = ""
    caption_source: Annotated[str, doc("Text source that shows what she says; empty for none.")] = (
        ""
    )
    poll_s: Annotated[Positive, doc("Time between two looks at the stream, seconds.")] = 2.0
    retry_base_s: Annotated[
        Positive, doc("First delay before OBS is tried again, doubled each time, seconds.")
    ] = 1.0
    retry_max_s: Annotated[Positive, doc("Longest such delay, seconds.")] = 15.0
