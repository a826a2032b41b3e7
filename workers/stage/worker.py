"""The stage: messages in, playout decisions, sinks and reports out."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from ipc.errors import AddressInUse, PathNotWritable, RequestFailed, SparkError
from ipc.protocol import (
    AudioChunk,
    AudioCredit,
    Cancel,
    Caption,
    Command,
    Duck,
    Message,
    MouthStop,
    MouthTrack,
    Peer,
    Playback,
    StageControl,
    StopSoon,
    TurnEnd,
)
from workers.runtime import Link, Worker
from workers.runtime.visitors import is_loopback
from workers.stage.device import Device
from workers.stage.gain import Ramp, warm
from workers.stage.heard import HeardRecord
from workers.stage.mouth import RATE_HZ, Mouth, Track
from workers.stage.outputs import Clear, Flush, Heard, Length, Output, Show, Sound, Truncate
from workers.stage.overlay import Overlay
from workers.stage.playout import Playout
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
        self._ramp = Ramp()
        self._duckable = False  # without a moment's wait
        self._mouth: Mouth | None = None
        self._mouth_loading = False
        self._mouth_turn = 0  # of the last frames that were sent
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
            self._overlay = Overlay(
                config.overlay_host,
                config.overlay_port,
                token,
                face=config.face == "drawn",
                on_face=self._want_mouth,
            )
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
        self._prepare()
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
        elif isinstance(message, Duck):
            self._duck(message, now_ns)
        elif isinstance(message, StopSoon):
            self._carry_out(self._playout.stop_soon(message, now_ns))

    def peer_changed(self, peer: Peer) -> None:
        if peer.name in {"avatar", "stt"}:
            self._prepare()

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
                self._report(output)
            elif isinstance(output, AudioCredit):
                self.link.send("tts", output)
            elif isinstance(output, Show | Length | Clear):
                self._caption(output)
            elif isinstance(output, Truncate):
                self._truncate(output)
            else:
                self._flush(output)
        self._set_timer()

    def _report(self, playback: Playback) -> None:
        if playback.kind == "stopped":
            # nothing of it may come any more, even before the director has said so to everybody
            self.link.fence.apply(Cancel(turn=playback.turn))
            self._close_mouth(playback.turn)
        elif playback.kind == "finished" and self._mouth is not None:
            self._place(self._mouth.finished(playback.turn, playback.clause))
        self.link.send("director", playback)

    def _caption(self, output: Show | Length | Clear) -> None:
        if self._overlay is None:
            return
        if isinstance(output, Clear):
            self._overlay.clear(output)
        elif isinstance(output, Length):
            self._overlay.length(output)
        elif self.link.fence.allows(output.caption.turn):
            self._overlay.show(output)

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
        if self._mouth is not None and self._mouth_wanted:
            self._place(self._mouth.sound(sound))

    def _heard(self, heard: Heard) -> None:
        pcm = (
            bytes(len(heard.pcm))
            if self._muted
            else self._ramp.apply(heard.pcm, heard.rate, heard.at_ns)
        )
        heard = replace(heard, pcm=pcm)
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
        self._close_mouth(flush.turn)

    def _truncate(self, truncate: Truncate) -> None:
        if self._overlay is not None:
            self._overlay.truncate(truncate)
        if self._device is not None:
            self._device.truncate(truncate)
        if self._mouth is not None:
            self._mouth.stop()  # what was sent beyond goes with MouthStop, at its time

    def _duck(self, duck: Duck, now_ns: int) -> None:
        ramp = self._ramp.to(duck.gain, now_ns, duck.ramp_s)
        # first those who are to be quick: the records may have numpy to load
        if self._overlay is not None:
            self._overlay.duck(ramp)
        if self._device is not None:
            self._device.duck(ramp)
        self._advance()  # what was heard until now was heard as it was
        self._ramp = ramp

    def _mute(self, muted: bool) -> None:
        if muted == self._muted:
            return
        self._advance()  # what was heard until now was heard
        self._muted = muted
        if muted:
            self._close_mouth(self._mouth_turn)
        if self._overlay is not None:
            self._overlay.mute(muted)
        if self._device is not None:
            self._device.flush()
        self.link.notice("info", "the sound is muted" if muted else "the sound is on again")

    # --- the mouth ---

    @property
    def _mouth_wanted(self) -> bool:
        faces = self._overlay is not None and self._overlay.faces
        return faces or self.link.serves("avatar")

    def _prepare(self) -> None:
        """Load what the workers beside us will make us need, before they do."""
        if self.link.serves("avatar"):
            self._want_mouth()
        if self.link.serves("stt") and not self._duckable:
            self._duckable = True
            self.link.spawn(asyncio.to_thread(warm), "numpy")

    def _want_mouth(self) -> None:
        """Load what it takes, once."""
        if self._mouth is None and not self._mouth_loading:
            self._mouth_loading = True
            self.link.spawn(self._load_mouth(), "lip sync")

    async def _load_mouth(self) -> None:
        self._mouth = await asyncio.to_thread(Mouth)

    def _place(self, tracks: list[Track]) -> None:
        for track in tracks:
            self._mouth_turn = track.turn
            if self._overlay is not None:
                self._overlay.mouth(track)
            if self.link.serves("avatar"):
                message = MouthTrack(
                    turn=track.turn,
                    clause=track.clause,
                    at_ns=track.at_ns,
                    rate_hz=RATE_HZ,
                    persona=track.persona,
                    emotion=track.emotion,
                )
                self.link.send("avatar", message, track.rows.astype("<f4").tobytes())

    def _close_mouth(self, turn: int) -> None:
        if self._mouth is None or not turn or turn != self._mouth_turn:
            return
        self._mouth_turn = 0
        self._mouth.stop()
        if self.link.serves("avatar"):
            self.link.send("avatar", MouthStop(turn=turn))

    # --- the overlay's port ---

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
