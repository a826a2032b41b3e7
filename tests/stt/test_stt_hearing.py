"""Unit: hearing as a whole: opened, in trouble, well again. The engine is scripted."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from stt_rig import Place, Speaker, pcm
from websockets.asyncio.client import connect

from ipc.config.stt import SttScripted, SttSection
from ipc.errors import ModelMissing
from ipc.protocol import SpeechFinal, SpeechIgnored, SpeechStarted
from workers.stt import hearing as module
from workers.stt.ears import Told
from workers.stt.hearing import Hearing, token_file


@asynccontextmanager
async def hearing(
    tmp_path: Path, **keys: Any
) -> AsyncIterator[tuple[Hearing, list[Told], Place, dict[str, str]]]:
    place, told = Place(tmp_path), list[Told]()
    scripted = SttScripted(lines=["first words here", "second words here"], decode_ms=0)
    settings = SttSection(**{"engine": "scripted", "page_port": 0, "scripted": scripted, **keys})
    made = Hearing(settings, place, told.append)
    try:
        yield made, told, place, await made.load()
    finally:
        await place.close()
        await made.close()


async def test_the_engine_is_loaded_when_the_first_source_comes(
    tmp_path: Path, speaker: Speaker
) -> None:
    sound = pcm(speaker.between_silence("The film was much better than I expected."))
    async with hearing(tmp_path) as (made, told, place, details):
        assert "when the first source comes" in details["engine"]
        assert not any("engine" in task.get_name() for task in place.tasks)
        url = made.url.replace("http", "ws").replace("/mic", "/audio")
        async with connect(url, proxy=None) as source:
            await source.send(json.dumps({"rate": 16_000, "name": "Ann"}))
            assert json.loads(await source.recv())["type"] == "ready"
            for at in range(0, len(sound), 32_000):
                await source.send(sound[at : at + 32_000])
            async with asyncio.timeout(20):
                while json.loads(await source.recv())["type"] != "final":
                    pass
        assert any("engine" in task.get_name() for task in place.tasks)
        assert isinstance(told[0], SpeechStarted)
        assert [m.text for m in told if isinstance(m, SpeechFinal)] == ["first words here"]
        assert not any(isinstance(m, SpeechIgnored) for m in told)


async def test_a_taken_port_is_a_problem_until_it_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BIND_RETRY_S", 0.01)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        async with hearing(tmp_path, page_port=port) as (_, _, place, _):
            assert "stt.page_port" in place.problem
            other.close()
            await place.until_notice(f"the microphone page is at http://127.0.0.1:{port}/mic")
            assert place.problem == ""
            assert [level for level, _, _ in place.notices].count("warning") == 1


async def test_a_page_for_others_wants_a_token(tmp_path: Path) -> None:
    async with hearing(tmp_path, page_host="0.0.0.0") as (_, _, _, details):
        assert token_file(tmp_path).stat().st_mode & 0o777 == 0o600
        word = token_file(tmp_path).read_text().strip()
        assert str(token_file(tmp_path)) in details["token"]
        assert word not in json.dumps(details)


async def test_a_missing_model_is_told_at_the_start_although_it_is_loaded_later(
    tmp_path: Path,
) -> None:
    with pytest.raises(ModelMissing, match=r"stt\.model"):
        async with hearing(tmp_path, engine="faster_whisper", model="/no/such/model"):
            pass


async def test_a_device_that_cannot_be_is_a_problem_and_the_page_is_there(tmp_path: Path) -> None:
    """Without PortAudio, or without a microphone of this name."""
    async with hearing(tmp_path, devices={"ann": "no such device"}) as (made, _, place, details):
        async with asyncio.timeout(20):
            while not place.problem:
                place.told.clear()
                await place.told.wait()
        assert made.url
        assert details["sources"] == "ann"
