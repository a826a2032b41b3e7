"""Workers with an engine or a sink: language model, voice, memory, stage."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from ipc.config.base import Count, Port, Positive, Seconds, Section, WorkerSection, doc


class LlmScripted(Section, frozen=True):
    """Scripted language model, for tests and benchmarks."""

    replies: Annotated[
        str, doc("File with one reply a line, used in turn; empty uses the built-in ones.")
    ] = ""
    first_token_ms: Annotated[Seconds, doc("Time to the first token, milliseconds.")] = 120.0
    token_ms: Annotated[Seconds, doc("Time between tokens, milliseconds.")] = 15.0


class LlmSection(WorkerSection, frozen=True):
    """Language model."""

    memory_gb: Annotated[Positive, doc("Memory set aside for it.")] = 0.8
    engine: Annotated[
        Literal["llama_cpp", "scripted"], doc("Which engine generates the replies.")
    ] = "llama_cpp"
    model: Annotated[str, doc("Path of a GGUF file; 'bundled' is SmolLM2-135M-Instruct.")] = (
        "bundled"
    )
    threads: Annotated[
        int, Meta(ge=0, description="CPU threads; 0: all cores, while writing all but one.")
    ] = 0
    context_tokens: Annotated[
        int, Meta(ge=512, description="Context length of one generation, tokens.")
    ] = 2048
    adapters: Annotated[
        dict[str, str], doc("LoRA adapters: name to GGUF path; personas refer to the name.")
    ] = {}
    scripted: LlmScripted = LlmScripted()


class TtsScripted(Section, frozen=True):
    """Scripted voice, for tests and benchmarks: a tone with 40 ms chunks."""

    first_audio_ms: Annotated[Seconds, doc("Time to the first chunk, milliseconds.")] = 60.0
    speed: Annotated[Positive, doc("How many times faster than real time it makes sound.")] = 4.0
    word_s: Annotated[Positive, doc("Length of the sound of one word, seconds.")] = 0.3


class TtsSection(WorkerSection, frozen=True):
    """Voice."""

    memory_gb: Annotated[Positive, doc("Memory set aside for it.")] = 0.6
    engine: Annotated[Literal["hibari", "scripted"], doc("Which engine speaks.")] = "hibari"
    threads: Annotated[int, Meta(ge=0, description="CPU threads; 0 lets the engine choose.")] = 0
    clauses_ahead: Annotated[
        Count, doc("Clauses the director may hand over before the first is done.")
    ] = 2
    scripted: TtsScripted = TtsScripted()


class MemorySection(WorkerSection, frozen=True):
    """Long-term memory."""

    memory_gb: Annotated[Positive, doc("Memory set aside for it.")] = 1.2
    engine: Annotated[
        Literal["minilm", "hash"], doc("Embeddings: sentence-transformers, or hashes for tests.")
    ] = "minilm"
    model: Annotated[
        str, doc("Path of a sentence-transformers model; 'bundled' is all-MiniLM-L6-v2.")
    ] = "bundled"
    limit: Annotated[Count, doc("How many memories a reply may see.")] = 2
    min_score: Annotated[
        float, Meta(ge=0, le=1, description="Hits less similar than this are left out.")
    ] = 0.5
    flush_s: Annotated[Positive, doc("Longest time a memory stays unwritten, seconds.")] = 2.0


class StageSection(WorkerSection, frozen=True):
    """Sound and captions out."""

    memory_gb: Annotated[Positive, doc("Memory set aside for it.")] = 0.2
    overlay: Annotated[bool, doc("Serve the page with sound and captions.")] = True
    overlay_host: Annotated[str, doc("Address the page listens on.")] = "127.0.0.1"
    overlay_port: Annotated[Port, doc("Port of the page; 0 takes a free one.")] = 8765
    device: Annotated[
        str, doc("Sound device: empty for none, 'default', or a part of its name.")
    ] = ""
    wav: Annotated[str, doc("WAV file everything audible is written to; empty for none.")] = ""
    audio_ahead_s: Annotated[Positive, doc("Most sound that may wait at the stage, seconds.")] = 4.0
    caption_words_per_s: Annotated[
        Positive, doc("Reading speed for captions without sound, words a second.")
    ] = 3.0
    face: Annotated[
        Literal["", "drawn"],
        doc("Body on the page: 'drawn' shows a simple face; the page's ?face=1 or 0 overrules."),
    ] = ""
