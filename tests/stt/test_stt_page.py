"""IPC: the server of the microphone page and of plain sound, with real sockets."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from ipc.errors import AddressInUse
from ipc.protocol import SpeechFinal, SpeechIgnored, SpeechPartial, SpeechStarted
from workers.runtime.visitors import kept_token
from workers.stt.sources.hello import Hello
from workers.stt.sources.page import MicrophonePage

HELLO = {"rate": 48_000, "channels": 1, "format": "s16le", "name": "mic"}


class Taken:
    def __init__(self, hello: Hello) -> None:
        self.hello = hello
        self.frame_bytes = 2
        self.data = bytearray()
        self.closed = asyncio.Event()
        self.news = asyncio.Event()

    def push(self, data: bytes) -> None:
        self.data += data
        self.news.set()

    def close(self) -> None:
        self.closed.set()


class Served:
    def __init__(self, token: str = "") -> None:
        self.taken: list[Taken] = []
        self.notices: list[tuple[str, str, str]] = []
        self.now_s = 0.0
        self.page = MicrophonePage(
            "127.0.0.1",
            0,
            self._hear,
            lambda *notice: self.notices.append(notice),
            token,
            lambda: self.now_s,
        )

    def _hear(self, hello: Hello) -> Taken:
        self.taken.append(Taken(hello))
        return self.taken[-1]

    def url(self, path: str, scheme: str = "http") -> str:
        return f"{scheme}://127.0.0.1:{self.page.port}{path}"

    async def source(self, **hello: Any) -> ClientConnection:
        """A program that was welcomed."""
        socket = await connect(self.url("/audio", "ws"), proxy=None)
        await socket.send(json.dumps({**HELLO, **hello}))
        assert json.loads(await socket.recv())["type"] == "ready"
        return socket


@asynccontextmanager
async def served(token: str = "") -> AsyncIterator[Served]:
    made = Served(token)
    await made.page.bind()
    try:
        async with asyncio.timeout(30):
            yield made
    finally:
        await made.page.close()


def get(url: str, **headers: str) -> tuple[int, dict[str, str], str]:
    request = urllib.request.Request(url, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, dict(answer.headers), answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers), error.read().decode()


async def socket_texts(socket: ClientConnection) -> AsyncIterator[str | bytes]:
    """Until it is closed."""
    try:
        while True:
            yield await socket.recv()
    except ConnectionClosed:
        return


async def refused(served: Served, *messages: str | bytes) -> dict[str, str]:
    """What the show says before it closes with 1008."""
    async with connect(served.url("/audio", "ws"), proxy=None) as socket:
        for message in messages:
            await socket.send(message)
        said = [json.loads(text) async for text in socket_texts(socket)]
        assert socket.close_code == 1008
    assert said[-1]["type"] == "problem"
    assert served.notices[-1] == (
        "warning",
        served.notices[-1][1],
        said[-1]["hint"],
    )
    assert said[-1]["text"] in served.notices[-1][1]
    return said[-1]


async def test_sound_arrives_as_it_was_sent() -> None:
    async with served() as s:
        socket = await s.source(name="Ann", rate=44_100, hears_her=False)
        await socket.send(b"\1\0\2\0")
        await s.taken[0].news.wait()
        assert s.taken[0].hello == Hello("Ann", 44_100, 1, "s16le", False)
        assert bytes(s.taken[0].data) == b"\1\0\2\0"
        assert s.page.sources == ["Ann"]
        await socket.close()
        await s.taken[0].closed.wait()
        assert s.notices == []


async def test_the_source_sees_what_was_heard_of_it() -> None:
    async with served() as s:
        ann, ben = await s.source(name="Ann"), await s.source(name="Ben")
        s.page.tell(SpeechStarted(source="Ann", utterance=1, at_ns=1))
        s.page.tell(SpeechPartial(source="Ann", utterance=1, text="he said", stable="he"))
        s.page.tell(
            SpeechFinal(source="Ann", utterance=1, text="he said no", started_ns=1, ended_ns=2)
        )
        s.page.tell(SpeechIgnored(source="Ben", utterance=1, reason="a noise"))
        s.page.tell(SpeechIgnored(source="nobody", utterance=1, reason="a noise"))
        assert [json.loads(await ann.recv()) for _ in range(3)] == [
            {"type": "speaking"},
            {"type": "partial", "text": "he said", "stable": "he"},
            {"type": "final", "text": "he said no"},
        ]
        assert json.loads(await ben.recv()) == {"type": "ignored", "reason": "a noise"}
        await ann.close()
        await ben.close()


@pytest.mark.parametrize(
    ("messages", "why"),
    [
        ((b"\0\0",), "before its description"),
        (("hello",), "no JSON object"),
        (('{"rate": 5}',), "rate 5 cannot be used"),
        ((json.dumps(HELLO), "what?"), "a text came"),
    ],
)
async def test_garbage_is_said_and_the_rest_goes_on(
    messages: tuple[str | bytes, ...], why: str
) -> None:
    async with served() as s:
        good = await s.source(name="good")
        problem = await refused(s, *messages)
        assert why in problem["text"]
        await good.send(b"\1\0")
        await s.taken[0].news.wait()
        assert s.page.sources == ["good"]
        await good.close()


async def test_a_wrong_rate_is_said() -> None:
    async with served() as s:
        problem = await refused(s, json.dumps({**HELLO, "rate": 8_000}), *[bytes(200_000)] * 2)
        assert "more sound comes than 8000 samples a second" in problem["text"]
        await s.taken[0].closed.wait()


async def test_a_frame_that_is_too_large_ends_only_its_source() -> None:
    async with served() as s:
        good, huge = await s.source(name="good"), await s.source(name="huge")
        await huge.send(bytes(2**20))
        await s.taken[1].closed.wait()
        await good.send(b"\1\0")
        await s.taken[0].news.wait()
        await good.close()


async def test_a_page_that_was_loaded_again_takes_its_name_over() -> None:
    async with served() as s:
        old = await s.source()
        new = await s.source()
        await s.taken[0].closed.wait()
        with pytest.raises(ConnectionClosed, match="took over"):
            await old.recv()
        await new.send(b"\1\0")
        await s.taken[1].news.wait()
        assert s.page.sources == ["mic"]
        await new.close()


async def test_there_is_an_end_to_sources() -> None:
    async with served() as s:
        sockets = [await s.source(name=f"mic {number}") for number in range(8)]
        assert "8 sources already" in (await refused(s, json.dumps({**HELLO, "name": "9"})))["text"]
        for socket in sockets:
            await socket.close()


async def test_the_page_and_its_headers() -> None:
    async with served() as s:
        status, headers, body = await asyncio.to_thread(get, s.url("/mic"))
        assert status == 200
        assert "mic.js" in body
        assert headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert headers["Permissions-Policy"] == "microphone=(self)"
        status, _, body = await asyncio.to_thread(get, s.url("/"))
        assert "mic.js" in body  # led there
        for path in ("/mic.js", "/mic-capture.js", "/mic.css"):
            assert (await asyncio.to_thread(get, s.url(path)))[0] == 200
        assert (await asyncio.to_thread(get, s.url("/../token.py")))[0] == 404
        assert s.page.url == s.url("/mic")


async def test_strangers_stay_out() -> None:
    async with served() as s:
        assert (await asyncio.to_thread(get, s.url("/mic"), Host="evil.example"))[0] == 403
        for headers in ({"Origin": "http://evil.example"}, {"Host": "evil.example"}):
            with pytest.raises(InvalidStatus) as answer:
                await connect(s.url("/audio", "ws"), proxy=None, additional_headers=headers)
            assert answer.value.response.status_code == 403


async def test_the_token_opens_the_page_and_the_socket(tmp_path: Path) -> None:
    token = kept_token(tmp_path / "mic-token")
    assert (tmp_path / "mic-token").stat().st_mode & 0o777 == 0o600
    assert kept_token(tmp_path / "mic-token") == token
    async with served(token) as s:
        status, _, body = await asyncio.to_thread(get, s.url("/mic"))
        assert status == 403
        assert "mic-token" in body
        assert token not in s.page.url
        assert (await asyncio.to_thread(get, s.url(f"/mic?token={token}")))[0] == 200
        assert (await asyncio.to_thread(get, s.url(f"/?token={token}")))[0] == 200
        with pytest.raises(InvalidStatus):
            await connect(s.url("/audio?token=wrong", "ws"), proxy=None)
        async with connect(s.url(f"/audio?token={token}", "ws"), proxy=None) as socket:
            await socket.send(json.dumps(HELLO))
            assert json.loads(await socket.recv())["type"] == "ready"


async def test_a_taken_port_is_named() -> None:
    async with served() as s:
        other = MicrophonePage("127.0.0.1", s.page.port, Taken, lambda *_: None)
        with pytest.raises(AddressInUse, match=r"stt\.page_port"):
            await other.bind()
