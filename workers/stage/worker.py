"""The stage: messages in, playout decisions, sinks and reports out."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

from ipc.errors import AddressInUse, PathNotWritable, RequestFailed, SparkError
from ipc.protocol import (
    AudioChunk,
    AudioCredit,
    Cancel,
    Caption,
    Command,
    Message,
    Playback,
    StageControl,
    TurnEnd,
)
from workers.runtime import Link, Worker
from workers.stage.device import Device
from workers.stage.heard import HeardRecord
from workers.stage.overlay import Overlay, is_loopback
from workers.stage.playout import Clear, Flush, Heard, Output, Playout, Sound
from workers.stage.token import overlay_token, token_file
from workers.stage.wav import WavFile

BIND_RETRY_S = 3.0


class StageWorker(Worker):
    """Owns the playout clock and every sink."""

    name = "stage"

    def __init__(self, link: Link) -> None:
        super().__init__(link)
        self._loop = asyncio.get_running_loop()
        self._playout = Playout(link.config.stage.caption_words_per_s)
        self._record = HeardRecord()
        self._overlay: Overlay | None = None
        self._device: Device | None = None
        self._wav: WavFile | None = None
        self._muted = False
        self._problems: dict[str, str] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._due_s = 0.0
        self._resting = asyncio.Event()
        self._resting.set()

    async def load(self) -> dict[str, str]:
        """Open the sinks. One that cannot be opened is a problem, not an end."""
        config = self.link.config.stage
        sinks: list[str] = []
        details: dict[str, str] = {}
        if config.overlay:
            loopback = is_loopback(config.overlay_host)
            token = "" if loopback else overlay_token(self.link.state_dir)
            self._overlay = Overlay(config.overlay_host, config.overlay_port, token)
            sinks.append("overlay")
            if token:
                details["token"] = f"add ?token= and the word in {token_file(self.link.state_dir)}"
            bound = await self._bind(self._overlay)
            # details are told once: where the page will be is right then and later
            details["overlay"] = self._overlay.url
            if not bound:
                self.link.spawn(self._bind_later(self._overlay), "overlay port")
        if config.device:
            self.link.loading(f"opening the sound device {config.device}")
            try:
                self._device = await asyncio.to_thread(
                    Device, config.device, self._on_device_problem
                )
                sinks.append(f"device {self._device.label}")
            except SparkError as error:
                self._trouble("device", error)
        if config.wav:
            try:
                self._wav = WavFile(Path(config.wav))
                sinks.append(f"WAV {config.wav}")
            except PathNotWritable as error:
                self._trouble("wav", error)
        details["sinks"] = ", ".join(sinks) or "none"
        return details

    # --- messages ---

    def receive(self, message: Message, payload: bytes) -> None:
        now_ns = time.monotonic_ns()
        if isinstance(message, AudioChunk):
            self._carry_out(self._playout.chunk(message, payload, now_ns))
        elif isinstance(message, Caption):
            self._carry_out(self._playout.caption(message, now_ns))
        elif isinstance(message, TurnEnd):
            self._carry_out(self._playout.turn_end(message, now_ns))
        elif isinstance(message, StageControl):
            self._mute(message.muted)

    def cancelled(self, cancel: Cancel) -> None:  # noqa: ARG002  # the fence knows which
        self._carry_out(self._playout.cancel(self.link.fence.allows, time.monotonic_ns()))

    async def command(self, command: Command) -> Any:
        if command.verb != "sound":
            return await super().command(command)
        self._advance()
        turn = command.args["turn"]
        kept = self._record.sound(turn)
        if kept is None:
            turns = ", ".join(str(number) for number in self._record.turns) or "none yet"
            raise RequestFailed(
                f"the sound of turn {turn} is not kept", f"turns with sound: {turns}"
            )
        return {"sample_rate": kept[0], "pcm": kept[1]}

    async def drain(self) -> None:
        """Let what can still be played be heard."""
        await self._resting.wait()

    async def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._device is not None:
            await asyncio.to_thread(self._device.close)
        if self._wav is not None:
            self._wav.close()
        if self._overlay is not None:
            await self._overlay.close()

    # --- the clock ---

    def _advance(self) -> None:
        self._carry_out(self._playout.advance(time.monotonic_ns()))

    def _tick(self) -> None:
        self._timer = None
        self.link.progressed()
        self._advance()

    def _carry_out(self, outputs: list[Output]) -> None:
        for output in outputs:
            if isinstance(output, Sound):
                self._sound(output)
            elif isinstance(output, Heard):
                self._heard(output)
            elif isinstance(output, Playback):
                self.link.send("director", output)
            elif isinstance(output, AudioCredit):
                self.link.send("tts", output)
            elif isinstance(output, Caption):
                if self._overlay is not None and self.link.fence.allows(output.turn):
                    self._overlay.caption(output)
            elif isinstance(output, Clear):
                if self._overlay is not None:
                    self._overlay.clear(output.turn)
            else:
                self._flush(output)
        self._set_timer()

    def _set_timer(self) -> None:
        deadline_ns = self._playout.deadline_ns()
        if deadline_ns is None:
            self._resting.set()
            return
        self._resting.clear()
        due_s = deadline_ns / 1e9  # the loop's clock is CLOCK_MONOTONIC, the one of the messages
        if self._timer is not None:
            # deadlines mostly move on with every chunk: waking early once is cheaper than
            # setting the timer again each time
            if self._due_s <= due_s:
                return
            self._timer.cancel()
        self._due_s = due_s
        self._timer = self._loop.call_at(due_s, self._tick)

    # --- the sinks ---

    def _sound(self, sound: Sound) -> None:
        # the last look before the sound leaves: whatever was decided above, fenced is silent
        if self._muted or not self.link.fence.allows(sound.turn):
            return
        if self._overlay is not None:
            self._overlay.sound(sound)
        if self._device is not None:
            self._device.sound(sound)

    def _heard(self, heard: Heard) -> None:
        if self._muted:
            heard = Heard(heard.turn, heard.rate, bytes(len(heard.pcm)))
        self._record.heard(heard)
        if self._wav is not None:
            try:
                self._wav.heard(heard)
            except PathNotWritable as error:
                self._wav.close()
                self._wav = None
                self._trouble("wav", error)

    def _flush(self, flush: Flush) -> None:
        if self._overlay is not None:
            self._overlay.flush(flush.turn)
        if self._device is not None:
            self._device.flush()

    def _mute(self, muted: bool) -> None:
        if muted == self._muted:
            return
        self._advance()  # what was heard until now was heard
        self._muted = muted
        if self._overlay is not None:
            self._overlay.mute(muted)
        if self._device is not None:
            self._device.flush()
        self.link.notice("info", "the sound is muted" if muted else "the sound is on again")

    async def _bind(self, overlay: Overlay) -> bool:
        try:
            await overlay.bind()
        except AddressInUse as error:
            if "overlay" not in self._problems:
                self._trouble("overlay", error)
            return False
        return True

    async def _bind_later(self, overlay: Overlay) -> None:
        bound = False
        while not bound:
            await asyncio.sleep(BIND_RETRY_S)
            bound = await self._bind(overlay)
        self._well("overlay")
        self.link.notice("info", f"the overlay page is at {overlay.url}")

    # --- trouble ---

    def _on_device_problem(self, sentence: str) -> None:
        """From the device's thread."""
        self._loop.call_soon_threadsafe(self._device_problem, sentence)

    def _device_problem(self, sentence: str) -> None:
        if not sentence:
            self._well("device")
        elif "device" not in self._problems:
            self._trouble("device", SparkError(sentence, "look at stage.device and its cable"))

    def _trouble(self, sink: str, error: SparkError) -> None:
        self._problems[sink] = f"{error.message}; {error.hint}"
        self.link.problem = ". ".join(self._problems.values())
        self.link.notice("warning", error.message, error.hint)

    def _well(self, sink: str) -> None:
        if self._problems.pop(sink, None) is not None:
            self.link.problem = ". ".join(self._problems.values())
