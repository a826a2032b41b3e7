"""The overlay's HTTP and WebSocket server, with real clients."""

from __future__ import annotations

import asyncio
import json
import socket
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from ipc.errors import AddressInUse, PathNotWritable
from ipc.protocol import Caption
from workers.stage.gain import Ramp
from workers.stage.mouth import Track
from workers.stage.outputs import Clear, Length, Show, Sound, Truncate
from workers.stage.overlay import HEADER, Overlay
from workers.stage.token import overlay_token

S = 1_000_000_000
STATE = {"type": "state", "muted": False, "gain": 1.0, "face": "", "clock": 9.0}
TEXT = "<img src=x onerror=alert(1)> [red]hi[/red] \u202e"


@asynccontextmanager
async def serving(token: str = "", **more: Any) -> AsyncIterator[Overlay]:
    overlay = Overlay("127.0.0.1", 0, token, clock=lambda: 9 * S, **more)
    await overlay.bind()
    try:
        yield overlay
    finally:
        await overlay.close()


@asynccontextmanager
async def page(overlay: Overlay, query: str = "", **more: Any) -> AsyncIterator[ClientConnection]:
    url = f"ws://127.0.0.1:{overlay.port}/ws{query}"
    async with connect(url, proxy=None, compression=None, **more) as client:
        yield client


async def message(client: ClientConnection) -> Any:
    async with asyncio.timeout(10):
        got = await client.recv()
    return json.loads(got) if isinstance(got, str) else got


async def raw_http(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


async def get(port: int, path: str, host: str = "") -> bytes:
    lines = f"GET {path} HTTP/1.1\r\nHost: {host or f'127.0.0.1:{port}'}\r\n\r\n"
    return await raw_http(port, lines.encode())


def show(turn: int = 1, clause: int = 0, text: str = TEXT, emotion: str = "") -> Show:
    said = Caption(
        turn=turn,
        clause=clause,
        text=text,
        speaker="Nova",
        color="#7fd1ff",
        persona="nova",
        emotion=emotion,
    )
    return Show(said, at_ns=3 * S, length_ns=2 * S, exact=False)


def sound(offset: int = 0, pcm: bytes = b"\x01\x00" * 480, clause: int = 2) -> Sound:
    return Sound(1, clause, offset, 24_000, pcm, 3 * S, 100_000_000)


def track(rows: int = 2) -> Track:
    frames = np.linspace(0, 1, rows * 6, dtype=np.float32).reshape(rows, 6)
    return Track(1, 0, 3 * S, frames, "nova", "")


async def test_captions_sound_flush_and_mute_reach_a_page() -> None:
    async with serving() as overlay, page(overlay) as client:
        assert await message(client) == STATE
        overlay.show(show(emotion=" Happy"))
        assert await message(client) == {
            "type": "caption",
            "turn": 1,
            "clause": 0,
            "text": TEXT,
            "speaker": "Nova",
            "color": "#7fd1ff",
            "persona": "nova",
            "emotion": " Happy",
            "expression": "joy",
            "voiced": True,
            "at": 3.0,
            "length": 2.0,
            "exact": False,
            "clock": 9.0,
        }
        overlay.sound(sound(480))
        frame = await message(client)
        assert HEADER.unpack(frame[: HEADER.size])[:5] == (1, 2, 480, 24_000, 3.0)
        assert frame[HEADER.size :] == sound().pcm
        overlay.length(Length(1, 0, S))
        assert await message(client) == {"type": "length", "turn": 1, "clause": 0, "length": 1.0}
        overlay.duck(Ramp().to(0.25, 0, 0.05))
        assert await message(client) == {"type": "duck", "gain": 0.25, "ramp": 0.05}
        overlay.truncate(Truncate(1, 4 * S))
        assert await message(client) == {"type": "truncate", "turn": 1, "at": 4.0}
        overlay.clear(Clear(1, cut=True))
        assert await message(client) == {"type": "clear", "turn": 1, "cut": True}
        overlay.flush(1)
        assert await message(client) == {"type": "flush", "turn": 1}
        overlay.mute(True)
        assert await message(client) == {"type": "mute", "muted": True}


async def test_a_late_page_gets_the_present_state() -> None:
    async with serving() as overlay:
        overlay.mute(True)
        overlay.duck(Ramp().to(0.25, 0, 0.05))
        overlay.show(show(1, 1, "now", emotion="wibble"))
        overlay.sound(sound(12_000, clause=1))  # half a second into the clause, after a gap
        overlay.length(Length(1, 1, S))
        async with page(overlay) as client:
            assert await message(client) == {**STATE, "muted": True, "gain": 0.25}
            shown = await message(client)
            assert (shown["text"], shown["expression"]) == ("now", "")
            assert (shown["at"], shown["length"], shown["exact"]) == (2.5, 1.0, True)
        overlay.flush(1)
        async with page(overlay) as client:
            assert (await message(client))["type"] == "state"
            overlay.clear(Clear(5))
            assert (await message(client))["type"] == "clear"  # and no caption before it


async def test_only_pages_with_a_face_are_told_where_the_mouth_is() -> None:
    asked: list[bool] = []
    async with serving(on_face=lambda: asked.append(True)) as overlay, page(overlay) as plain:
        assert await message(plain) == STATE
        assert not overlay.faces
        async with page(overlay, "?face=1") as drawn:
            assert await message(drawn) == {**STATE, "face": "drawn"}
            assert overlay.faces
            assert asked == [True]
            overlay.mouth(track())
            overlay.clear(Clear(1))
            got = await message(drawn)
            assert (got["type"], got["at"], got["rate"]) == ("mouth", 3.0, 60.0)
            assert got["rows"] == [0, 23, 46, 70, 93, 116, 139, 162, 185, 209, 232, 255]
            assert (await message(plain))["type"] == "clear"


async def test_a_show_with_a_drawn_face_draws_it_unless_the_page_declines() -> None:
    async with serving(face=True) as overlay:
        for query, face in (("", "drawn"), ("?face=0", ""), ("?face=1", "drawn")):
            async with page(overlay, query) as client:
                assert (await message(client))["face"] == face


async def test_a_page_that_does_not_read_is_dropped_and_the_others_hear_all() -> None:
    async with serving() as overlay, page(overlay) as good:
        reader, writer = await asyncio.open_connection("127.0.0.1", overlay.port, limit=1024)
        writer.write(
            f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{overlay.port}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        await reader.readuntil(b"\r\n\r\n")
        assert (await message(good))["type"] == "state"
        assert overlay.clients == 2
        sent = 0
        while overlay.clients == 2:
            assert sent < 20_000, "the stuck page was never dropped"
            overlay.sound(sound(sent, bytes(9600)))
            frame = await message(good)
            assert HEADER.unpack(frame[: HEADER.size])[2] == sent
            sent += 1
        writer.close()


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/overlay.js",
        "/face.js",
        "/captions.js",
        "/sound.js",
        "/overlay.css",
        "/face.css",
        "/?a=1",
    ],
)
async def test_files_are_served(path: str) -> None:
    async with serving() as overlay:
        answer = await get(overlay.port, path)
        assert answer.startswith(b"HTTP/1.1 200")
        assert b"Content-Security-Policy: default-src 'none'" in answer


@pytest.mark.parametrize(
    "path", ["/nope", "/../worker.py", "/static/index.html", "//", "/%2e", "//[x", "*"]
)
async def test_unknown_paths_are_404(path: str) -> None:
    async with serving() as overlay:
        assert (await get(overlay.port, path)).startswith(b"HTTP/1.1 404")


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\n\r\nhello",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X-Many: 1\r\n" * 1000 + b"\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\r\n",
    ],
)
async def test_alien_requests_are_refused_and_harmless(request_bytes: bytes) -> None:
    async with serving() as overlay:
        try:
            answer = await raw_http(overlay.port, request_bytes)
        except ConnectionError:
            answer = b""
        assert not answer.startswith(b"HTTP/1.1 2")
        assert (await get(overlay.port, "/")).startswith(b"HTTP/1.1 200")


async def test_large_messages_of_a_page_end_its_connection() -> None:
    async with serving() as overlay, page(overlay) as client:
        await message(client)
        await client.send("x" * 5000)
        with pytest.raises(ConnectionClosed):
            await message(client)


async def test_foreign_sites_cannot_listen_in() -> None:
    async with serving() as overlay:
        for origin in ("http://evil.example", "null", "http://127.0.0.1:1"):
            with pytest.raises(InvalidStatus, match="403"):
                async with page(overlay, origin=origin):
                    pass
        for host in ("evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "["):
            rebound = await get(overlay.port, "/", host=f"{host}:{overlay.port}")
            assert rebound.startswith(b"HTTP/1.1 403"), host
        own = f"http://127.0.0.1:{overlay.port}"
        async with page(overlay, origin=own) as client:
            assert (await message(client))["type"] == "state"


async def test_token_is_asked_for(short_dir: Path) -> None:
    token = overlay_token(short_dir)
    assert token == overlay_token(short_dir)
    assert stat.S_IMODE((short_dir / "overlay-token").stat().st_mode) == 0o600
    async with serving(token) as overlay:
        assert token not in overlay.url  # it is shown, logged and recorded
        refusal = await get(overlay.port, "/")
        assert refusal.startswith(b"HTTP/1.1 403")
        assert b"overlay-token" in refusal
        assert (await get(overlay.port, f"/?token={token}")).startswith(b"HTTP/1.1 200")
        with pytest.raises(InvalidStatus, match="403"):
            async with page(overlay, "?token=wrong"):
                pass
        async with page(overlay, f"?token={token}") as client:
            assert (await message(client))["type"] == "state"


def test_token_needs_a_writable_state_directory(short_dir: Path) -> None:
    with pytest.raises(PathNotWritable, match="overlay-token"):
        overlay_token(short_dir / "missing")


async def test_port_in_use_names_the_key() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        overlay = Overlay("127.0.0.1", other.getsockname()[1])
        with pytest.raises(AddressInUse, match=r"in use.*stage\.overlay_port"):
            await overlay.bind()
