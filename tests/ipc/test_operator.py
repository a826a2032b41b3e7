"""ipc: operator requests over real sockets are answered once, and may be repeated."""

import asyncio
import tempfile
from pathlib import Path

import pytest
import zmq
from hypothesis import given
from hypothesis import strategies as st

from ipc.codec import encode
from ipc.endpoints import Endpoints
from ipc.errors import RequestFailed, RequestTimeout
from ipc.operator import VERBS, OperatorClient, OperatorServer, check_args
from ipc.protocol import Reply, Request
from ipc.sockets import Channel


@pytest.fixture
def endpoints():
    """A socket directory of its own, short enough for a socket path."""
    with tempfile.TemporaryDirectory(prefix="sv", dir="/tmp") as directory:
        yield Endpoints(Path(directory))


async def test_a_request_is_answered(endpoints):
    def on_request(incoming):
        server.reply(Reply(id=incoming.request.id, result=incoming.request.args["text"]))

    server = OperatorServer(endpoints, on_request)
    client = OperatorClient(endpoints)
    assert await client.request("say", text="hello") == "hello"
    client.close()
    server.close()


async def test_a_refusal_carries_sentence_and_mend(endpoints):
    def on_request(incoming):
        server.reply(Reply(id=incoming.request.id, error="no", hint="ask nicely"))

    server = OperatorServer(endpoints, on_request)
    client = OperatorClient(endpoints)
    with pytest.raises(RequestFailed) as caught:
        await client.request("hold")
    assert (caught.value.message, caught.value.hint) == ("no", "ask nicely")
    client.close()
    server.close()


async def test_the_same_request_is_carried_out_once(endpoints):
    """Joined while it is under way, answered from memory after."""
    seen = []
    arrived = asyncio.Event()
    replies: asyncio.Queue[bytes] = asyncio.Queue()

    def on_request(incoming):
        seen.append(incoming.request.id)
        arrived.set()

    server = OperatorServer(endpoints, on_request)
    raw = Channel(zmq.DEALER, lambda frames: replies.put_nowait(frames[0]))
    raw.connect(endpoints.operator)
    frame = encode(Request(id="same", verb="skip"))
    raw.send([frame])
    raw.send([frame])
    await arrived.wait()
    marker = encode(Request(id="marker", verb="skip"))
    arrived.clear()
    raw.send([marker])
    await arrived.wait()  # both copies were read before the marker
    server.reply(Reply(id="same", result=1))
    first = await replies.get()
    raw.send([frame])
    assert await replies.get() == first
    assert seen == ["same", "marker"]
    raw.close()
    server.close()


async def test_no_answer_is_a_timeout_with_a_mend(endpoints, monkeypatch):
    monkeypatch.setattr("ipc.operator.asyncio.timeout", lambda _: asyncio.timeout_at(0))
    server = OperatorServer(endpoints, lambda _: None)
    client = OperatorClient(endpoints)
    with pytest.raises(RequestTimeout, match="did not answer 'hold'"):
        await client.request("hold")
    client.close()
    server.close()


async def test_alien_frames_are_counted_and_the_next_request_is_answered(endpoints):
    def on_request(incoming):
        server.reply(Reply(id=incoming.request.id, result="alive"))

    server = OperatorServer(endpoints, on_request)
    raw = Channel(zmq.DEALER)
    raw.connect(endpoints.operator)
    good = encode(Request(id="x", verb="say"))
    aliens = [[b""], [b"\xff" * 100], [good[:-1]], [good, b"more"], [b"\x91" * 50_000]]
    for frames in aliens:
        raw.send(frames)
    replies: asyncio.Queue[bytes] = asyncio.Queue()
    probe = Channel(zmq.DEALER, lambda frames: replies.put_nowait(frames[0]))
    probe.connect(endpoints.operator)
    raw.send([encode(Request(id="last", verb="status"))])
    client = OperatorClient(endpoints)
    while server.dropped < len(aliens):
        assert await client.request("status") == "alive"
    assert server.dropped == len(aliens)
    for channel in (raw, probe, client):
        channel.close()
    server.close()


def test_arguments_are_checked_with_a_sentence():
    assert check_args(VERBS["persona"], {}) == "persona needs name"
    assert check_args(VERBS["sound"], {"turn": "7"}) == "sound: turn must be int"
    assert check_args(VERBS["skip"], {"x": 1}) == "skip takes no 'x'"
    assert check_args(VERBS["chat"], {"text": "hi"}) == ""


@given(st.sampled_from(sorted(VERBS)), st.dictionaries(st.text(max_size=9), st.integers()))
def test_any_arguments_lead_to_a_sentence_or_none(name, args):
    assert isinstance(check_args(VERBS[name], args), str)
