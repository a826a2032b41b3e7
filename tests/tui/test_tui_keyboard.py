"""Category unit and e2e: keys that nobody can have typed are a paste, and keys stay keys."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from fake_show import FakeShow, opening
from test_tui_terminal import screen
from textual import events
from textual.message import Message

from tui.keyboard import BURST, fold

PASTED = ("The DOG Barks, h m s U B y\r" * 4000)[:100_000]


def keys(text: str) -> list[Message]:
    names = {"\n": "enter", "\t": "tab", " ": "space"}
    return [events.Key(names.get(char, char), char) for char in text]


def told(messages: list[Message]) -> list[str]:
    """Keys by name, a paste as its text in angle brackets."""
    return [
        m.key if isinstance(m, events.Key) else f"<{m.text}>"
        for m in messages
        if isinstance(m, events.Key | events.Paste)
    ]


def test_what_fingers_type_stays_keys() -> None:
    assert told(fold(keys("hello D"))) == [*"hello", "space", "D"]
    assert told(fold(keys("x" * (BURST - 1)))) == ["x"] * (BURST - 1)


def test_a_burst_is_a_paste() -> None:
    text = "Dear all,\n\tBe quick!\n"
    assert told(fold(keys(text))) == ["<Dear all,\n Be quick!\n>"]


def test_the_rest_of_a_paste_belongs_to_it() -> None:
    rest = [*keys("DB"), events.Key("up", None), *keys("D")]
    assert told(fold(rest, pasting=True)) == ["<DB>", "up", "D"]


def test_a_key_leant_on_is_pressed_once() -> None:
    assert told(fold(keys("D" * 500))) == ["D"]


def test_keys_that_type_nothing_are_never_folded() -> None:
    arrows: list[Message] = [events.Key("down", None)] * 40
    assert told(fold(arrows)) == ["down"] * 40


@pytest.mark.e2e
async def test_a_paste_without_brackets_neither_acts_nor_blocks_the_panic_key(
    fake_show: FakeShow, state_dir: Path
) -> None:
    for event in opening(1000.0):
        fake_show.publish(event)
    async with screen(state_dir) as terminal:
        await terminal.until("ON AIR")
        os.set_blocking(terminal.fd, False)
        left = PASTED.encode()
        ready = asyncio.Event()
        loop = asyncio.get_running_loop()
        while left:
            try:
                left = left[os.write(terminal.fd, left[:4096]) :]
            except BlockingIOError:
                ready.clear()
                loop.add_writer(terminal.fd, ready.set)
                await ready.wait()
                loop.remove_writer(terminal.fd)
        await terminal.until("pasted text is not taken for keys")
        asked: list[str] = []
        async with asyncio.timeout(30):
            while not asked:  # a key right behind a paste still belongs to it
                os.write(terminal.fd, b"D")
                seen = len(terminal.output)
                while len(terminal.output) == seen:  # the status line moves every second
                    terminal.more.clear()
                    await terminal.more.wait()
                asked = [verb for verb, _ in fake_show.requests if verb != "snapshot"]
        assert set(asked) == {"dump"}
