"""Supervision: the fence, the operator plane and the event stream of a running show."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import uuid
from contextlib import closing

import pytest
import zmq
from fakes import FakeShow

from ipc.codec import decode, encode
from ipc.errors import RequestFailed
from ipc.events import EventSource, EventStream
from ipc.protocol import (
    AuditEvent,
    Beat,
    Event,
    Hello,
    Message,
    MeterEvent,
    NoticeEvent,
    Reply,
    Request,
    ShowEvent,
    Snapshot,
    TraceEvent,
)
from ipc.sockets import Channel
from ipc.states import TurnOutcome, WorkerState
from workers.supervisor.horizon import MARGIN

# --- the fence ---


async def test_the_fence_follows_the_director_and_outlives_it() -> None:
    async with FakeShow(workers=("director", "stage", "tts")) as show:
        await show.until_ready()
        await show.operator.request("say", text="open 40")
        await show.operator.request("say", text="cancel 7")
        await show.operator.request("status")
        os.kill(show.workers["director"].pid, signal.SIGKILL)
        await show.until_state("director", WorkerState.READY, after=1)
        assert show.marks("director", "floors") == ["0", str(40 + MARGIN)]
        show.order("tts", {})
        os.kill(show.workers["tts"].pid, signal.SIGKILL)
        await show.until_state("tts", WorkerState.READY, after=1)
        assert show.marks("tts", "floors") == ["0", str(40 + MARGIN)]
        assert show.marks("stage", "cancels") == ["7 True", f"{40 + MARGIN} True"]
        assert show.marks("director", "cancels") == []  # its own are not sent back


async def test_dump_silences_before_the_director_is_asked() -> None:
    async with FakeShow(workers=("director", "stage")) as show:
        await show.until_ready()
        await show.operator.request("dump")
        assert show.marks("director", "cancels") == [f"{MARGIN} True"]
        assert show.marks("director", "commands") == ["dump"]
        await show.until(lambda _: show.marks("stage", "cancels") == [f"{MARGIN} True"])


@pytest.mark.parametrize("verb", ["dump", "skip"])
async def test_silence_does_not_need_the_director(verb: str) -> None:
    async with FakeShow({"director": {"exit_code": 78}}, ("director", "stage")) as show:
        await show.until_state("director", WorkerState.FAILED)
        await show.until(lambda _: len(show.marks("stage", "cancels")) == 1)  # for the loss
        result = await show.operator.request(verb)
        assert "the sound was killed" in result["note"]
        await show.until(lambda _: len(show.marks("stage", "cancels")) == 2)
        with pytest.raises(RequestFailed, match="hold: director is failed"):
            await show.operator.request("hold")


async def test_a_dump_reaches_a_director_that_was_away() -> None:
    """The panic key during a crash was silence for a moment; then she went on talking."""
    async with FakeShow({"director": {"exit_code": 78}}, ("director", "stage")) as show:
        await show.until_state("director", WorkerState.FAILED)
        assert "held when it is back" in (await show.operator.request("dump"))["note"]
        show.order("director", {})
        await show.operator.request("restart", worker="director")
        await show.until_state("director", WorkerState.READY)
        await show.until(lambda _: show.marks("director", "commands") == ["dump"])
        await show.operator.request("release")
        os.kill(show.workers["director"].pid, signal.SIGKILL)
        await show.until_state("director", WorkerState.READY, after=2)
        await show.operator.request("mute")
        assert show.marks("director", "commands") == ["dump", "release", "mute"]  # once


async def test_a_dump_whose_director_dies_of_it_is_not_forgotten() -> None:
    async with FakeShow(workers=("director", "stage")) as show:
        await show.until_ready()
        pid = show.workers["director"].pid
        os.kill(pid, signal.SIGSTOP)
        asked = asyncio.create_task(show.operator.request("dump"))
        await show.until(lambda s: s.marks("stage", "cancels"))
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(RequestFailed, match="director was lost"):
            await asked
        await show.until_state("director", WorkerState.READY, after=1)
        await show.until(lambda _: show.marks("director", "commands") == ["dump"])


# --- requests ---


async def test_requests_are_checked_forwarded_and_audited() -> None:
    async with FakeShow(workers=("director", "memory", "tts")) as show:
        await show.until_ready()
        answer = await show.operator.request("say", text="hello")
        assert answer == {"pid": show.workers["director"].pid, "verb": "say"}
        with pytest.raises(RequestFailed, match="not today\n  try tomorrow"):
            await show.operator.request("say", text="refuse")
        with pytest.raises(RequestFailed, match="say needs text"):
            await show.operator.request("say")
        with pytest.raises(RequestFailed, match="there is no worker 'ttx'"):
            await show.operator.request("restart", worker="ttx")
        with pytest.raises(RequestFailed, match="chat is switched off"):
            await show.operator.request("restart", worker="chat")
        with pytest.raises(RequestFailed, match=r"did not answer 'say' within 0\.2 s"):
            await show.operator.request("say", 0.2, text="wait")
        await show.operator.request("recall", text="x")  # changes nothing: no audit
        audits = await show.until(lambda s: len(s.of(AuditEvent)) >= 6 and s.of(AuditEvent))
        assert [audit.ok for audit in audits] == [True] + [False] * 5
        assert (audits[0].who, audits[0].args) == ("test", {"text": "hello"})


async def test_an_unknown_verb_gets_the_nearest_one() -> None:
    async with FakeShow(workers=("director",)) as show:
        reply = await ask(show, Request(id="1", verb="rlease"))
        assert (reply.error, reply.hint) == ("there is no 'rlease'", "did you mean 'release'?")


async def test_the_loss_of_the_owner_answers_at_once() -> None:
    async with FakeShow(workers=("director",)) as show:
        await show.until_ready()
        lost = await asyncio.gather(
            show.operator.request("say", 60.0, text="wait"),
            show.operator.request("say", text="die 9"),
            return_exceptions=True,
        )
        assert all(isinstance(error, RequestFailed) for error in lost)
        assert {str(error).partition("\n")[0] for error in lost} == {
            "director was lost while it worked on 'say'"
        }


async def test_a_read_only_client_changes_nothing() -> None:
    async with FakeShow(workers=("director", "tts")) as show:
        await show.until_ready()
        viewer = show.client(readonly=True, who="viewer")
        assert (await viewer.request("status"))["show"]["state"] == "on_air"
        for verb in ("dump", "stop"):
            with pytest.raises(RequestFailed, match="read-only"):
                await viewer.request(verb)
        with pytest.raises(RequestFailed, match="read-only"):
            await viewer.request("restart", worker="tts")
        assert show.marks("director", "cancels") == []
        assert show.workers["tts"].incarnation == 1
        refused = await show.until(lambda s: len(s.of(AuditEvent)) == 3 and s.of(AuditEvent))
        assert not any(audit.ok for audit in refused)


async def test_a_repeated_request_is_carried_out_once() -> None:
    async with FakeShow(workers=("director",)) as show:
        await show.until_ready()
        request = Request(id=uuid.uuid4().hex, verb="say", args={"text": "once"})
        first = await ask(show, request)
        again = await ask(show, request)
        assert first == again
        assert show.marks("director", "commands") == ["say"]


async def ask(show: FakeShow, request: Request) -> Reply:
    answer: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
    channel = Channel(zmq.DEALER, lambda frames: answer.set_result(decode(Reply, frames[0])))
    channel.connect(show.endpoints.operator)
    channel.send([encode(request)])
    try:
        return await asyncio.wait_for(answer, 10)
    finally:
        channel.close()


async def test_stop_answers_first_and_then_ends_with_zero() -> None:
    async with FakeShow() as show:
        await show.until_ready()
        assert await show.operator.request("stop") == {"stopping": True}
        assert await show.wait_exit() == 0
        recording = next((show.state_dir / "recordings").glob("*.jsonl")).read_text().splitlines()
        events = [json.loads(line)["event"] for line in recording]
        assert next(e for e in events if e["type"] == "AuditEvent")["verb"] == "stop"
        assert events[-1]["state"] == "disabled"


# --- hostile frames ---


async def test_alien_frames_are_counted_and_nothing_breaks() -> None:
    async with FakeShow(workers=("tts",)) as show:
        await show.until_ready()
        alien = [
            [b"\xc1garbage"],
            [b""],
            [b"a", b"b", b"c"],
            [encode(Hello(name="tts", incarnation=1, pid=1))[:-3]],
            [b"\x91" * 10_000],
        ]
        channels = []
        for kind, address, identity in [
            (zmq.DEALER, show.endpoints.control, b"nobody/x"),
            (zmq.DEALER, show.endpoints.control, b"\xff\xfe"),
            (zmq.DEALER, show.endpoints.operator, b"client"),
            (zmq.PUSH, show.endpoints.events_in, b""),
        ]:
            channel = Channel(kind)
            if identity:
                channel.socket.setsockopt(zmq.IDENTITY, identity)
            channel.connect(address)
            for frames in alien:
                channel.send(frames)
            channels.append(channel)
        stranger = Channel(zmq.DEALER)
        stranger.socket.setsockopt(zmq.IDENTITY, b"tts/99")
        stranger.connect(show.endpoints.control)
        stranger.send([encode(Beat(progress=1, busy=False))])
        seen = {"control": 10, "operator": 5, "events": 5}

        async def counted() -> None:
            while True:
                dropped = (await show.operator.request("status"))["dropped"]
                if all(dropped[plane] >= count for plane, count in seen.items()):
                    return

        await asyncio.wait_for(counted(), 20)
        assert (await show.operator.request("status"))["workers"]["tts"]["state"] == "ready"
        assert show.workers["tts"].incarnation == 1
        for channel in [*channels, stranger]:
            channel.close()


# --- events ---


async def test_a_snapshot_and_the_stream_fit_together() -> None:
    async with FakeShow(workers=("tts",)) as show:
        await show.until_ready()
        source = EventSource(show.endpoints)
        late: list[tuple[str, int, Message]] = []
        stream = EventStream(show.endpoints, lambda *item: late.append(item))

        def push(first: int, last: int) -> None:
            for number in range(first, last):
                source.publish(NoticeEvent(level="info", source="t", text=str(number)))

        with closing(stream), closing(source):
            while not late:  # a subscription takes a moment to arrive
                source.publish(NoticeEvent(level="info", source="t", text="knock"))
                await show.operator.request("status")
            push(0, 50)
            snapshot = decode(Snapshot, (await show.operator.request("snapshot"))["snapshot"])
            push(50, 99)
            while not any(getattr(event, "text", "") == "98" for _, _, event in late):
                await show.operator.request("status")
        held = [decode(Event, body) for body in snapshot.events]
        numbers = [int(e.text) for e in held if isinstance(e, NoticeEvent) and e.text.isdigit()]
        numbers += [
            int(event.text)
            for topic, sequence, event in late
            if isinstance(event, NoticeEvent)
            and event.text.isdigit()
            and sequence > snapshot.sequences[topic]
        ]
        assert numbers == list(range(99))
        assert snapshot.state_dir == str(show.state_dir)


async def test_status_knows_turns_spans_and_what_the_operator_set() -> None:
    async with FakeShow(workers=("tts",)) as show:
        await show.until_ready()
        source = EventSource(show.endpoints)
        source.publish(ShowEvent(held=True, muted=False, persona="umbra", personas=["umbra"]))
        source.publish(
            TraceEvent(
                turn=1,
                outcome=TurnOutcome.PLAYED,
                source="chat",
                spans_ms={"chat_to_audio": 120.0},
                reply="",
                generated="",
            )
        )
        await show.until(lambda s: s.of(TraceEvent))
        await show.until(
            lambda s: any(m.workers.get("tts") and m.workers["tts"].memory_mb > 5
                          for m in s.of(MeterEvent))
        )  # fmt: skip
        status = await show.operator.request("status")
        assert (status["show"]["state"], status["show"]["persona"]) == ("held", "umbra")
        assert status["turns"]["played"] == 1
        assert status["spans_ms"]["chat_to_audio"] == {"p50": 120.0, "p95": 120.0, "n": 1}
        assert status["workers"]["tts"]["memory_mb"] > 5
        assert status["memory"]["used_mb"] > status["workers"]["tts"]["memory_mb"]
        json.dumps(status)
        source.close()
