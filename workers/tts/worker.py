"""The tts process: Synthesise in, AudioChunk and Synthesised out, within the stage's credit."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing

from ipc.config import Config
from ipc.protocol import AudioChunk, AudioCredit, Cancel, Message, Peer, Synthesise, Synthesised
from workers.runtime import Link, Worker
from workers.tts.credits import AudioCredits
from workers.tts.engine import SAMPLE_BYTES, Engine, Unspeakable
from workers.tts.hibari import HibariEngine
from workers.tts.scripted import ScriptedEngine

_SAFELY_AHEAD_S = 1.0  # what is consumed is reported every half second
_PIECE_S = 0.4  # a message costs the same for 40 ms of sound
_SENTENCE_S = 10.0  # the longest a sentence may take without a sign of progress


def make_engine(config: Config) -> Engine:
    """The engine ``tts.engine`` names."""
    if config.tts.engine == "scripted":
        return ScriptedEngine(config.tts.scripted)
    return HibariEngine(config.tts, config.personas)


class TtsWorker(Worker):
    """Speaks clauses one after another, in the order they came."""

    name = "tts"

    def __init__(self, link: Link) -> None:
        super().__init__(link)
        self._engine = make_engine(link.config)
        ahead_s = link.config.stage.audio_ahead_s
        self._credits = AudioCredits(int(ahead_s * self._engine.sample_rate))
        self._clauses: asyncio.Queue[tuple[Synthesise, float, int]] = asyncio.Queue()
        self._changed = asyncio.Event()  # of credit, fence or stage
        self._stage = self._incarnation()

    async def load(self) -> dict[str, str]:
        details = await self._engine.load(self.link.loading)
        self.link.spawn(self._speak(), "speak")
        return details

    def receive(self, message: Message, payload: bytes) -> None:  # noqa: ARG002
        if isinstance(message, Synthesise):
            arrived_s = asyncio.get_running_loop().time()
            self._clauses.put_nowait((message, arrived_s, time.monotonic_ns()))
        elif isinstance(message, AudioCredit):
            self._credits.consumed(message.turn, message.consumed)
            self._changed.set()

    def cancelled(self, cancel: Cancel) -> None:  # noqa: ARG002  (the fence knows it)
        for turn in self._credits.turns():
            if not self.link.fence.allows(turn):
                self._credits.forget(turn)
        self._changed.set()

    def peer_changed(self, peer: Peer) -> None:
        if peer.name == "stage":
            if self._incarnation() != self._stage:
                self._stage = self._incarnation()
                self._credits.reset()
            self._changed.set()

    async def drain(self) -> None:
        await self._clauses.join()

    async def close(self) -> None:
        await self._engine.close()

    def _incarnation(self) -> int:
        peer = self.link.peers.get("stage")
        return peer.incarnation if peer is not None else 0

    # --- speaking ---

    async def _speak(self) -> None:
        while True:
            clause, arrived_s, arrived_ns = await self._clauses.get()
            try:
                if self.link.fence.allows(clause.turn):
                    await self._clause(clause, arrived_s, arrived_ns)
            finally:
                self._clauses.task_done()

    async def _clause(self, clause: Synthesise, arrived_s: float, arrived_ns: int) -> None:
        """All chunks of one clause, then the director's credit; nothing once it is fenced."""
        turn, error = clause.turn, ""
        seq = samples = engine_ns = 0
        piece = bytearray()
        async with aclosing(self._engine.speak(clause, arrived_s)) as stream:
            while True:
                try:
                    with self.link.working(_SENTENCE_S):
                        pcm = await anext(stream, b"")
                    made_ns = time.monotonic_ns()
                    engine_ns = engine_ns or made_ns - arrived_ns
                    piece += pcm
                    if pcm and len(piece) < self._least_bytes():
                        continue
                    await self._room_for(turn, len(piece) // SAMPLE_BYTES)
                except Unspeakable as reason:
                    pcm, error, made_ns = b"", str(reason), time.monotonic_ns()
                if not self.link.fence.allows(turn):
                    return
                chunk = AudioChunk(
                    turn=turn,
                    clause=clause.clause,
                    seq=seq,
                    sample_rate=self._engine.sample_rate,
                    last=not pcm,
                    made_ns=made_ns,
                    engine_ns=engine_ns,
                )
                self.link.send("stage", chunk, bytes(piece))
                seq += 1
                samples += len(piece) // SAMPLE_BYTES
                self._credits.sent(turn, len(piece) // SAMPLE_BYTES)
                piece.clear()
                if not pcm:
                    break
        audio_s = samples / self._engine.sample_rate
        self.link.send(
            "director",
            Synthesised(turn=turn, clause=clause.clause, audio_s=audio_s, error=error),
        )

    def _least_bytes(self) -> int:
        """How much sound is worth a message: any when the stage may run dry, more when not."""
        ahead_s = self._credits.outstanding / self._engine.sample_rate
        piece_s = _PIECE_S if ahead_s > _SAFELY_AHEAD_S else 0.0
        return int(piece_s * self._engine.sample_rate) * SAMPLE_BYTES

    async def _room_for(self, turn: int, samples: int) -> None:
        """Until the stage has room, or the turn is dead. Raises Unspeakable without a stage."""
        while self.link.fence.allows(turn) and not self._credits.allow(samples):
            if not self.link.serves("stage"):
                raise Unspeakable("the stage is away")
            self._changed.clear()
            await self._changed.wait()
