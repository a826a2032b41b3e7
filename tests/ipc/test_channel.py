"""ipc: a Channel over real sockets survives restarts of its peer and alien bytes."""

import asyncio
import contextlib
import socket
import tempfile
from pathlib import Path

import pytest
import zmq

from ipc.codec import encode
from ipc.endpoints import Endpoints
from ipc.pipeline import Inbox, Outbox
from ipc.protocol import AudioChunk, Tokens
from ipc.sockets import Channel


@pytest.fixture
def endpoints():
    """A socket directory of its own, short enough for a socket path."""
    with tempfile.TemporaryDirectory(prefix="sv", dir="/tmp") as directory:
        yield Endpoints(Path(directory))


def collector(endpoints, worker):
    """An inbox, and the queue of what it received."""
    received: asyncio.Queue = asyncio.Queue()
    inbox = Inbox(endpoints, worker, lambda *message: received.put_nowait(message))
    return inbox, received


async def test_messages_arrive_in_order_with_their_payload(endpoints):
    inbox, received = collector(endpoints, "stage")
    outbox = Outbox(endpoints)
    for seq in range(500):
        chunk = AudioChunk(turn=1, clause=0, seq=seq, sample_rate=24_000)
        assert outbox.send("stage", chunk, bytes(1920))
    for seq in range(500):
        message, payload = await received.get()
        assert (message.seq, len(payload)) == (seq, 1920)
    outbox.close()
    inbox.close()


async def test_what_is_sent_before_the_peer_binds_is_kept(endpoints):
    outbox = Outbox(endpoints)
    outbox.send("director", Tokens(turn=1, text="early"))
    inbox, received = collector(endpoints, "director")
    message, _ = await received.get()
    assert message.text == "early"
    outbox.close()
    inbox.close()


async def test_a_restarted_peer_is_found_again(endpoints):
    outbox = Outbox(endpoints)
    for run in range(3):
        inbox, received = collector(endpoints, "director")
        # a message on its way while the peer dies may be lost: the protocol allows it
        message = None
        while message is None:
            outbox.send("director", Tokens(turn=run + 1, text=f"hello {run}"))
            with contextlib.suppress(TimeoutError):
                message, _ = await asyncio.wait_for(received.get(), 0.02)
        inbox.close()
    outbox.close()


async def test_forgotten_messages_do_not_reach_the_successor(endpoints):
    outbox = Outbox(endpoints)
    outbox.send("director", Tokens(turn=1, text="old"))
    outbox.forget("director")
    inbox, received = collector(endpoints, "director")
    outbox.send("director", Tokens(turn=2, text="new"))
    message, _ = await received.get()
    assert message.text == "new"
    assert received.empty()
    outbox.close()
    inbox.close()


async def test_a_full_backlog_says_so(endpoints):
    outbox = Outbox(endpoints)
    sent = [outbox.send("director", Tokens(turn=1, text="x")) for _ in range(1100)]
    assert sent.count(True) == 1024
    assert not sent[-1]
    outbox.close()


async def test_alien_frames_are_counted_and_dropped(endpoints):
    inbox, received = collector(endpoints, "director")
    raw = Channel(zmq.PUSH).connect(endpoints.inbox("director"))
    good = encode(Tokens(turn=1, text="good"))
    aliens = [
        [b""],
        [b"\xc1"],
        [good[:-2]],
        [good, b"", b"third"],
        [encode(AudioChunk(turn=1, clause=0, seq=0, sample_rate=1))],
    ]
    for frames in aliens:
        raw.send(frames)
    raw.send([good])
    message, _ = await received.get()
    assert message.text == "good"
    assert inbox.dropped == len(aliens)
    raw.close()
    inbox.close()


async def test_raw_bytes_that_are_no_zeromq_do_not_disturb(endpoints):
    """A stranger writes to the socket file itself."""
    inbox, received = collector(endpoints, "director")
    for junk in (b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 4096, b"\x00"):
        stranger = socket.socket(socket.AF_UNIX)
        stranger.connect(endpoints.inbox("director").removeprefix("ipc://"))
        stranger.sendall(junk)
        stranger.close()
    outbox = Outbox(endpoints)
    outbox.send("director", Tokens(turn=1, text="still here"))
    message, _ = await received.get()
    assert message.text == "still here"
    outbox.close()
    inbox.close()


async def test_a_handler_that_raises_does_not_stop_the_next_message(endpoints, caplog):
    received: asyncio.Queue = asyncio.Queue()

    def handler(message, _payload):
        if message.text == "bad":
            raise ValueError(message.text)
        received.put_nowait(message)

    inbox = Inbox(endpoints, "director", handler)
    outbox = Outbox(endpoints)
    outbox.send("director", Tokens(turn=1, text="bad"))
    outbox.send("director", Tokens(turn=1, text="good"))
    assert (await received.get()).text == "good"
    assert inbox.failures == 1
    outbox.close()
    inbox.close()


async def test_a_closed_channel_takes_nothing(endpoints):
    channel = Channel(zmq.PUSH).connect(endpoints.inbox("llm"))
    channel.close()
    channel.close()
    assert not channel.send([b"x"])


async def test_a_message_that_came_while_waiting_ones_were_sent_is_read(endpoints, monkeypatch):
    """Sending may swallow the edge that announced it; nothing else would bring it to light."""

    def answer(frames):
        echo.send(frames)

    echo = Channel(zmq.ROUTER, answer)
    received: asyncio.Queue = asyncio.Queue()
    client = Channel(zmq.DEALER, received.put_nowait)
    client.connect(endpoints.operator)
    assert client.send([b"hello"])
    assert client.pending == 1
    sent = asyncio.get_running_loop().create_future()
    send_now = client._try_send

    def send_and_swallow(frames):
        done = send_now(frames)
        if done and not sent.done():
            assert echo.socket.poll(5000, zmq.POLLIN)
            echo._service()
            assert client.socket.poll(5000, zmq.POLLIN)
            sent.set_result(None)
        return done

    monkeypatch.setattr(client, "_try_send", send_and_swallow)
    echo.bind(endpoints.operator)
    assert await asyncio.wait_for(received.get(), 10) == [b"hello"]
    client.close()
    echo.close()
