"""What the show is without each of its workers, by name. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from ipc.states import ShowState, WorkerState

LOSSES = {
    "stage": "no stage: nothing is heard",
    "tts": "no tts: captions only",
    "llm": "no llm: a canned line, then hold",
    "memory": "no memory: answers without recall",
    "director": "no director: silence",
    "chat": "no chat: no viewers are read",
    "stt": "no stt: nobody who speaks is heard",
    "avatar": "no avatar: the bodies stand still",
    "obs": "no obs: OBS is left as it is",
}


def degraded(workers: Iterable[tuple[str, WorkerState, str]]) -> list[str]:
    """Sentences for (name, state, reason) of all workers: what is missing, what complains."""
    sentences = []
    for name, state, reason in workers:
        if state is WorkerState.DEGRADED:
            sentences.append(f"{name}: {reason}")
        elif not state.serves and state is not WorkerState.DISABLED:
            sentences.append(LOSSES[name])
    return sentences


def show_state(
    *, stopping: bool, started: bool, held: bool, muted: bool, missing: bool
) -> ShowState:
    """The worst that applies."""
    if stopping:
        return ShowState.STOPPING
    if not started:
        return ShowState.STARTING
    if held:
        return ShowState.HELD
    if muted:
        return ShowState.MUTED
    return ShowState.DEGRADED if missing else ShowState.ON_AIR
