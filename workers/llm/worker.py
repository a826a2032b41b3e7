"""The llm process: Generate in, Tokens and one Generated out."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from ipc.config import LlmSection
from ipc.protocol import Generate, Generated, Message, Prewarm, Tokens
from ipc.states import Finish
from workers.llm.engine import Engine
from workers.llm.llama_cpp import LlamaCppEngine
from workers.llm.scripted import ScriptedEngine
from workers.runtime import Link, Worker

_PREFILL_S = 30.0  # a long cold prompt makes no progress that we could see for this long


def make_engine(section: LlmSection) -> Engine:
    """The engine ``llm.engine`` names."""
    if section.engine == "scripted":
        return ScriptedEngine(section.scripted)
    return LlamaCppEngine(section)


class LlmWorker(Worker):
    """Every Generate is a task of its own: a prepared turn need not wait for the present one."""

    name = "llm"

    def __init__(self, link: Link) -> None:
        super().__init__(link)
        self._engine = make_engine(link.config.llm)
        self._prewarming = asyncio.Lock()
        self._running: set[asyncio.Task[Any]] = set()

    async def load(self) -> dict[str, str]:
        return await self._engine.load(self.link.loading)

    def receive(self, message: Message, payload: bytes) -> None:  # noqa: ARG002
        if isinstance(message, Generate):
            arrived_s, arrived_ns = asyncio.get_running_loop().time(), time.monotonic_ns()
            work = self._generate(message, arrived_s, arrived_ns)
            self._start(work, f"generate {message.turn}")
        elif isinstance(message, Prewarm):
            self._start(self._prewarm(message), "prewarm")

    async def drain(self) -> None:
        if self._running:
            await asyncio.wait(self._running)

    async def close(self) -> None:
        await self._engine.close()

    def _start(self, work: Any, name: str) -> None:
        task = self.link.spawn(work, name)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _prewarm(self, request: Prewarm) -> None:
        async with self._prewarming:  # one after the other: the first is the one needed first
            with self.link.working(_PREFILL_S):
                await self._engine.prewarm(request)

    async def _generate(self, request: Generate, arrived_s: float, arrived_ns: int) -> None:
        turn = request.turn

        def alive() -> bool:
            return self.link.fence.allows(turn)

        def emit(text: str, count: int) -> None:
            self.link.progressed()
            if alive():
                at_ns = time.monotonic_ns()  # the loop's own time has only milliseconds
                engine_ns = at_ns - arrived_ns
                self.link.send(
                    "director",
                    Tokens(turn=turn, text=text, count=count, engine_ns=engine_ns, at_ns=at_ns),
                )

        with self.link.working(_PREFILL_S):
            outcome = await self._engine.generate(request, arrived_s, emit, alive)
        if alive() and outcome.finish is not Finish.CANCELLED:
            self.link.send(
                "director",
                Generated(
                    turn=turn,
                    finish=outcome.finish,
                    tokens=outcome.tokens,
                    prompt_tokens=outcome.prompt_tokens,
                    cached_tokens=outcome.cached_tokens,
                    error=outcome.error,
                ),
            )
