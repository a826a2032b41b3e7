"""The keys of hearing, with their defaults."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, field

from ipc.config.base import Count, Port, Positive, Seconds, Section, WorkerSection, doc

Part = Annotated[float, Meta(ge=0, le=1)]
Milliseconds = Annotated[float, Meta(ge=0, le=10_000)]


class VadSection(Section, frozen=True):
    """When somebody speaks."""

    start: Annotated[Part, doc("From this probability on a window of 32 ms is speech.")] = 0.5
    end: Annotated[Part, doc("Below this one it is silence; between the two nothing changes.")] = (
        0.35
    )
    start_ms: Annotated[
        Milliseconds, doc("Speech must last this long before it is told, milliseconds.")
    ] = 96.0
    min_speech_ms: Annotated[
        Milliseconds, doc("Utterances with less voice than this are ignored, milliseconds.")
    ] = 160.0
    pause_ms: Annotated[
        Milliseconds, doc("After this much silence the words are written down, to be ready.")
    ] = 96.0
    min_silence_ms: Annotated[
        Milliseconds, doc("After this much silence the utterance is over, milliseconds.")
    ] = 450.0
    pre_roll_ms: Annotated[
        Milliseconds, doc("Sound before the start that belongs to it, milliseconds.")
    ] = 300.0
    max_s: Annotated[
        float, Meta(ge=5, le=30, description="Longer utterances are cut at a pause, seconds.")
    ] = 30.0


class DoubtSection(Section, frozen=True):
    """When words are taken for imagined."""

    no_speech: Annotated[
        Part, doc("The engine's own probability that nobody speaks, from which on it counts.")
    ] = 0.6
    surely: Annotated[
        float, Meta(le=0, description="Words with a better mean log probability count anyway.")
    ] = -0.5
    never: Annotated[
        float, Meta(le=0, description="Words with a worse mean log probability never count.")
    ] = -1.2
    compression: Annotated[
        Positive, doc("Text that packs better than this repeats itself and does not count.")
    ] = 2.4
    words_per_s: Annotated[
        Positive, doc("More words for a second of voice than anybody can say do not count.")
    ] = 8.0


class SttScripted(Section, frozen=True):
    """Scripted hearing, for tests and benchmarks."""

    lines: Annotated[
        list[str], doc("What is heard, an utterance a line, used in turn; empty: built-in ones.")
    ] = field(default_factory=list)
    decode_ms: Annotated[Seconds, doc("Time one hearing takes, milliseconds.")] = 150.0


class SttSection(WorkerSection, frozen=True):
    """Hearing people."""

    enabled: Annotated[bool, doc("Start this worker with the show.")] = False
    memory_gb: Annotated[Positive, doc("Memory set aside for it.")] = 0.6
    engine: Annotated[
        Literal["faster_whisper", "scripted"], doc("Which engine writes down what is said.")
    ] = "faster_whisper"
    model: Annotated[
        str,
        doc("Path or Hugging Face id of a CTranslate2 Whisper; 'bundled' is tiny.en."),
    ] = "bundled"
    lazy: Annotated[
        bool, doc("Load the engine when the first source comes, not with the show.")
    ] = True
    device: Annotated[Literal["cpu", "cuda", "auto"], doc("Where the engine computes.")] = "cpu"
    compute_type: Annotated[str, doc("Precision of the engine: int8, float16, ...")] = "int8"
    threads: Annotated[int, Meta(ge=0, description="CPU threads; 0: two, or all of fewer.")] = 0
    language: Annotated[str, doc("Language of a multilingual model; empty lets it guess.")] = "en"
    context_s: Annotated[
        float,
        Meta(ge=5, le=30, description="Sound the engine looks at, at least, seconds; 30 is slow."),
    ] = 15.0
    beam: Annotated[Count, doc("Beams of the final hearing; partials always have one.")] = 5
    partial_s: Annotated[Positive, doc("Time between two partial hearings, seconds.")] = 0.6
    page: Annotated[bool, doc("Serve the microphone page and the WebSocket for sound.")] = True
    page_host: Annotated[str, doc("Address the page listens on.")] = "127.0.0.1"
    page_port: Annotated[Port, doc("Port of the page; 0 takes a free one.")] = 8766
    devices: Annotated[
        dict[str, str],
        doc("Sound devices: name of the person to 'default' or a part of the device's name."),
    ] = field(default_factory=dict)
    files: Annotated[
        dict[str, str], doc("WAV files (or .raw) played in as if spoken: name to path.")
    ] = field(default_factory=dict)
    headphones: Annotated[
        list[str], doc("Sources that cannot hear her: their words are never taken for hers.")
    ] = field(default_factory=list)
    vad: VadSection = VadSection()
    doubt: DoubtSection = DoubtSection()
    scripted: SttScripted = SttScripted()
