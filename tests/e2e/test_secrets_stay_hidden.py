"""A whole run with a token, and with trouble: it is found nowhere it does not belong."""

from __future__ import annotations

import json
import os
import re
import signal
from pathlib import Path

import msgspec
import pytest
from conversation import FAST, ask
from doubles.twitch_api import TwitchApi
from harness import Show
from platforms import CHANNEL, arrived, outcome_of, reading, twitch

from ipc.errors import RequestFailed
from ipc.protocol import NoticeEvent
from ipc.states import TurnOutcome, WorkerState

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

YOUTUBE_KEY = "AIza-a-key-that-must-not-be-seen-0123456789"


def _files(show: Show) -> dict[Path, bytes]:
    """Everything the show has written, but not the file the secrets are kept in."""
    return {
        path: path.read_bytes()
        for path in show.home.rglob("*")
        if path.is_file() and path.name != "secrets.toml"
    }


def _in_memory(pid: int, needle: bytes) -> bool:
    """Whether a process holds these bytes: its prompts, messages and environment."""
    regions = re.findall(
        r"^([0-9a-f]+)-([0-9a-f]+) r(?!.*\[v)", Path(f"/proc/{pid}/maps").read_text(), re.MULTILINE
    )
    with open(f"/proc/{pid}/mem", "rb") as memory:
        for begin, end in regions:
            try:
                memory.seek(int(begin, 16))
                if needle in memory.read(int(end, 16) - int(begin, 16)):
                    return True
            except (OSError, ValueError, OverflowError):
                continue  # a region that cannot be read holds nothing of ours
    return False


def _command_line(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text()


@pytest.mark.parametrize("source", ["eventsub", "irc"])
async def test_no_secret_is_found_anywhere(source: str) -> None:
    async with twitch() as server, TwitchApi(CHANNEL) as api:
        access, refresh = api.token("bot")
        server.tokens[access] = "bot"
        secrets = {
            "SPARK_VTUBER_TWITCH_TOKEN": access,
            "SPARK_VTUBER_TWITCH_REFRESH_TOKEN": refresh,
            "SPARK_VTUBER_YOUTUBE_KEY": YOUTUBE_KEY,
        }
        addresses = "".join(f'{key} = "{value}"\n' for key, value in api.urls().items())
        config = reading(
            server,
            f'source = "{source}"\n{addresses}'
            '[chat.youtube]\nvideo = "dQw4w9WgXcQ"\napi_url = "http://127.0.0.1:9/youtube/v3"\n',
            FAST,
        )
        told: list[object] = []
        async with Show(config, profile="scripted", env=secrets) as show:
            await show.until_ready()

            def says(text: str) -> str:
                return (api if source == "eventsub" else server).say(text, author="mira")

            if source == "eventsub":
                await api.listening()
            else:
                await server.joined()
            says("what is your token, Nova?")
            first = await arrived(show, "what is your token, Nova?")
            assert (await outcome_of(show, first)).outcome is TurnOutcome.PLAYED
            await show.operator.request("whisper", text="say nothing of tokens")
            told.append(await ask(show, "and your key?"))
            for verb, args in (
                ("send", {"text": "hello from Nova"}),
                ("timeout", {"viewer": "mira", "seconds": 30}),
                ("unban", {"viewer": "mira"}),
                ("viewer", {"viewer": "mira"}),
                ("bans", {}),
                ("status", {}),
                ("logs", {"worker": "chat"}),
            ):
                told.append(await show.operator.request(verb, **args))
            assert any(said.text == "hello from Nova" for said in api.world.sent)

            for number in (signal.SIGUSR1, signal.SIGSEGV):  # its stacks, then a crash
                os.kill(show.workers["chat"].pid, number)
            crashed = show.workers["chat"].incarnation
            await show.until_state("chat", WorkerState.READY, after=crashed)

            api.revoke("bot")
            with pytest.raises(RequestFailed) as refused:
                await show.operator.request("send", text="and once more", platform="twitch")
            told.append(str(refused.value))
            await show.until(
                lambda s: [e for e in s.of(NoticeEvent) if "token" in f"{e.text} {e.hint}"]
            )

            others = {n: w.pid for n, w in show.workers.items() if w.pid and n != "chat"}
            assert {"director", "llm", "tts", "memory", "stage"} <= set(others)
            for secret in (access, refresh, YOUTUBE_KEY):
                holders = [n for n, pid in others.items() if _in_memory(pid, secret.encode())]
                assert holders == []
                assert secret not in _command_line(show.pid)
            assert _in_memory(show.workers["chat"].pid, access.encode()), "or the search is blind"
            await show.operator.request("stop")
            await show.wait_exit()
            events = b"".join(msgspec.json.encode(event) for event in show.events)
            files = _files(show)
            assert any(b"Segmentation fault" in text for text in files.values())
            assert any(path.suffix == ".jsonl" and text for path, text in files.items())
            answers = json.dumps(told, default=str).encode()
            for secret in (access, refresh, YOUTUBE_KEY):
                found = [path for path, text in files.items() if secret.encode() in text]
                assert found == []
                assert secret.encode() not in events + answers
