"""ipc: any bytes either decode to a message of the plane or raise ProtocolError, nothing else."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipc.codec import decode, encode
from ipc.errors import ProtocolError
from ipc.protocol import (
    PIPELINE,
    AudioChunk,
    Cancel,
    ChatLines,
    ChatMessage,
    Event,
    FromWorker,
    Generate,
    Hello,
    Playback,
    PromptMessage,
    Recall,
    Reply,
    Request,
    Synthesise,
    Synthesised,
    Tokens,
    ToWorker,
    TraceEvent,
    TurnEnd,
    TurnOpened,
    Voice,
    WorkerEvent,
)
from ipc.states import TurnOutcome, WorkerState

PLANES = {"from worker": FromWorker, "to worker": ToWorker, "event": Event, "request": Request}
PLANES |= PIPELINE

words = st.text(max_size=40)
messages = st.one_of(
    st.builds(Hello, name=words, incarnation=st.integers(0, 2**31), pid=st.integers(1, 2**22)),
    st.builds(Cancel, turn=st.integers(0, 2**40), up_to=st.booleans(), reason=words),
    st.builds(Tokens, turn=st.integers(0, 2**40), text=words, count=st.integers(1, 9)),
    st.builds(
        Generate,
        turn=st.integers(0, 2**40),
        prompt=st.lists(st.builds(PromptMessage, role=words, content=words), max_size=3),
        temperature=st.floats(0, 2),
    ),
    st.builds(
        WorkerEvent, name=words, state=st.sampled_from(list(WorkerState)), incarnation=st.just(1)
    ),
    st.builds(Reply, id=words, result=st.none() | st.integers(-9, 9) | words, error=words),
)


@given(messages)
def test_what_is_encoded_comes_back(message):
    assert decode(type(message), encode(message)) == message


@given(st.sampled_from(sorted(PLANES)), st.binary(max_size=300))
def test_alien_bytes_are_a_protocol_error_or_a_message(plane, frame):
    with contextlib.suppress(ProtocolError):
        decode(PLANES[plane], frame)


@given(messages, st.data())
def test_a_truncated_frame_is_a_protocol_error(message, data):
    frame = encode(message)
    cut = data.draw(st.integers(0, len(frame) - 1))
    with pytest.raises(ProtocolError):
        decode(type(message), frame[:cut])


@given(messages, st.data())
def test_a_flipped_byte_never_raises_anything_else(message, data):
    frame = bytearray(encode(message))
    at = data.draw(st.integers(0, len(frame) - 1))
    frame[at] ^= data.draw(st.integers(1, 255))
    with contextlib.suppress(ProtocolError):
        decode(type(message), bytes(frame))


def test_a_message_of_another_plane_is_refused():
    frame = encode(AudioChunk(turn=1, clause=0, seq=0, sample_rate=24_000))
    decode(PIPELINE["stage"], frame)
    for plane in (PIPELINE["llm"], FromWorker, Event):
        with pytest.raises(ProtocolError):
            decode(plane, frame)


@pytest.mark.parametrize(
    "absurd",
    [
        TurnEnd(turn=7, clauses=-9),
        TurnEnd(turn=2**62, clauses=1),
        AudioChunk(turn=7, clause=-1, seq=0, sample_rate=24_000),
        AudioChunk(turn=7, clause=0, seq=0, sample_rate=24_000, made_ns=-1),
        Playback(turn=7, clause=0, kind="stopped", at_ns=1, heard=float("nan")),
        Synthesise(turn=7, clause=0, text="word " * 5000, voice=Voice()),
        Synthesise(turn=7, clause=0, text="hi", voice=Voice(speed=0.0)),
        Synthesised(turn=7, clause=0, audio_s=float("inf")),
        Recall(turn=7, query="hi", limit=2**62),
        Generate(turn=-1, prompt=[]),
        TurnOpened(turn=2**63),
        TraceEvent(
            turn=7,
            outcome=TurnOutcome.PLAYED,
            source="chat",
            spans_ms={"queue": float("nan")},
            reply="",
            generated="",
        ),
    ],
    ids=lambda message: type(message).__name__,
)
def test_an_absurd_number_is_a_protocol_error(absurd):
    with pytest.raises(ProtocolError):
        decode(type(absurd), encode(absurd))


def test_deep_nesting_does_not_overflow_the_stack():
    frame = b"\x91" * 100_000 + b"\xc0"
    with pytest.raises(ProtocolError):
        decode(Request, frame)
    nested = encode(Request(id="1", verb="say", args={})).replace(b"\xa2id", b"\xa2id", 1)
    assert decode(Request, nested).verb == "say"


def test_defaults_are_left_out_of_the_wire():
    line = ChatMessage(
        id="1", platform="p", author="a", author_id="a", text="t", received_ns=1, at=1.0
    )
    assert len(encode(Cancel(turn=7))) < 20
    lines = ChatLines(lines=[line])
    assert decode(PIPELINE["director"], encode(lines)) == lines
