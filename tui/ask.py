"""``spark-tui ask``: one viewer message through the live show, until the reply was heard."""

from __future__ import annotations

import asyncio
import wave
from pathlib import Path
from typing import Any

import msgspec

from ipc.endpoints import Endpoints, running_pid
from ipc.errors import PathNotWritable, RequestFailed, RequestTimeout, UsageError
from ipc.operator import OperatorClient
from ipc.states import WorkerState

_POLL_S = 0.1


class Answer(msgspec.Struct, kw_only=True):
    """What became of the message: the JSON of ``ask --json``."""

    turn: int
    reply: str
    outcome: str
    reason: str
    spans_ms: dict[str, float]
    audio_s: float
    persona: str
    wav: str = ""


def check_writable(path: Path) -> None:
    """Raise PathNotWritable before anything is asked, not after the reply was heard."""
    existed = path.exists()
    try:
        with path.open("ab"):
            pass
    except OSError as error:
        raise PathNotWritable(
            f"cannot write the WAV file {path}: {error.strerror}",
            "name a file in a directory that exists and is yours",
        ) from None
    if not existed:
        path.unlink()


def check_text(text: str) -> str:
    """The line to send. Raises UsageError if nothing is left to say."""
    if not any(c.isprintable() and not c.isspace() for c in text):
        raise UsageError("the message is empty", 'say something: spark-tui ask "hello"')
    return text


async def ask(
    endpoints: Endpoints, text: str, *, author: str, wav: Path | None, timeout_s: float
) -> Answer:
    """Send a chat line and wait for its outcome.

    Raises NoShowRunning, PathNotWritable, UsageError, and RequestFailed with the show's words.
    """
    running_pid(endpoints)
    if wav is not None:
        check_writable(wav)
    client = OperatorClient(endpoints)
    try:
        await settled(client, timeout_s)
        args: dict[str, Any] = {"text": check_text(text)}
        if author:
            args["author"] = author
        sent = await client.request("chat", **args)
        outcome = await client.request("outcome", timeout_s, message_id=sent["message_id"])
        answer = msgspec.convert(_fields(outcome), Answer)
        if wav is not None and answer.turn and answer.audio_s:
            save(wav, await client.request("sound", turn=answer.turn))
            answer.wav = str(wav)
    finally:
        client.close()
    return answer


async def settled(client: OperatorClient, timeout_s: float) -> None:
    """Until a show that is starting takes chat lines, or has given up on that.

    Raises RequestTimeout with what is being waited for.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout_s
    while True:
        workers = (await client.request("status"))["workers"]
        loading = [name for name in ("director", "chat") if not _is_settled(workers[name])]
        if not loading:
            return
        if loop.time() > deadline:
            name = loading[0]
            raise RequestTimeout(
                f"{name} is still {workers[name]['state']} after {timeout_s:g} s",
                "spark-tui status shows how far it is; --timeout waits longer",
            )
        await asyncio.sleep(_POLL_S)


def _is_settled(worker: dict[str, Any]) -> bool:
    return WorkerState(worker["state"]).settled


def _fields(outcome: dict[str, Any]) -> dict[str, Any]:
    empty: dict[str, Any] = {
        "turn": 0,
        "reply": "",
        "outcome": "",
        "reason": "",
        "spans_ms": {},
        "audio_s": 0.0,
        "persona": "",
    }
    return empty | {key: outcome[key] for key in empty if key in outcome}


def save(path: Path, sound: dict[str, Any]) -> None:
    """Write a turn's PCM (signed 16 bit, mono) as a WAV file."""
    pcm = sound.get("pcm", b"")
    if not pcm:
        raise RequestFailed("the stage has no sound of this turn", "was the show muted?")
    try:
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(int(sound["sample_rate"]))
            file.writeframes(pcm)
    except OSError as error:
        raise PathNotWritable(f"cannot write the WAV file {path}: {error.strerror}") from None


def run(endpoints: Endpoints, text: str, author: str, wav: Path | None, timeout_s: float) -> Answer:
    """``ask`` from synchronous code."""
    return asyncio.run(ask(endpoints, text, author=author, wav=wav, timeout_s=timeout_s))
