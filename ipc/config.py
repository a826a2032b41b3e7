"""Every key of ``config.toml``, typed, with its default, unit and meaning.

``docs/configuration.md`` is generated from these classes, and a test keeps
``config.toml`` equal to the defaults. How a file becomes a Config is ``ipc.load``.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field


def _doc(text: str) -> Meta:
    return Meta(description=text)


Seconds = Annotated[float, Meta(ge=0)]
Positive = Annotated[float, Meta(gt=0)]
Count = Annotated[int, Meta(ge=1)]
Port = Annotated[int, Meta(ge=0, le=65535)]


class Section(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of config.toml."""


class WorkerSection(Section, frozen=True):
    """Keys every worker's table has."""

    enabled: Annotated[bool, _doc("Start this worker with the show.")] = True
    python: Annotated[
        str, _doc("Interpreter for this worker; empty means the one that runs the supervisor.")
    ] = ""
    memory_gb: Annotated[Positive, _doc("Memory set aside for it; counts towards the budget.")] = (
        1.0
    )
    restart_limit: Annotated[Count, _doc("Give up after this many crashes within the window.")] = 5
    restart_window_s: Annotated[Positive, _doc("Length of that sliding window, seconds.")] = 300.0
    load_timeout_s: Annotated[Positive, _doc("Longest time from spawn to ready, seconds.")] = 120.0
    shed_order: Annotated[
        int,
        Meta(ge=0, description="When memory runs out: 1 is stopped first, then 2 ...; 0 never."),
    ] = 0


class ShowSection(Section, frozen=True):
    """The show as a whole."""

    persona: Annotated[str, _doc("Personality on air at the start; a key of [personas].")] = "nova"


class SupervisorSection(Section, frozen=True):
    """Process life, memory and recording."""

    memory_budget_gb: Annotated[Positive, _doc("All workers together must fit into this.")] = 100.0
    min_free_gb: Annotated[
        Seconds, _doc("A worker starts only if this much memory stays available, GB.")
    ] = 0.5
    shed_below_gb: Annotated[
        Seconds, _doc("Below this much available memory workers are shed by shed_order, GB.")
    ] = 0.3
    heartbeat_s: Annotated[Positive, _doc("Time between two beats of a worker, seconds.")] = 1.0
    beat_timeout_s: Annotated[
        Positive, _doc("No beat for this long and the worker counts as hung, seconds.")
    ] = 5.0
    stall_timeout_s: Annotated[
        Positive, _doc("Busy without progress for this long counts as hung, seconds.")
    ] = 20.0
    drain_s: Annotated[Positive, _doc("Time a worker has to finish what it has, seconds.")] = 4.0
    term_s: Annotated[Positive, _doc("Time between SIGTERM and SIGKILL, seconds.")] = 1.5
    backoff_base_s: Annotated[Positive, _doc("First delay before a restart, seconds.")] = 0.25
    backoff_max_s: Annotated[Positive, _doc("Longest delay before a restart, seconds.")] = 30.0
    stable_s: Annotated[
        Positive, _doc("Ready for this long and the next delay is the first one again, seconds.")
    ] = 120.0
    meter_s: Annotated[Positive, _doc("Time between two memory and CPU readings, seconds.")] = 5.0
    record: Annotated[bool, _doc("Write every event to DIR/recordings of the state directory.")] = (
        True
    )
    record_file_mb: Annotated[Positive, _doc("A new recording file begins at this size, MB.")] = 32
    record_files: Annotated[Count, _doc("Oldest recording files beyond this many go.")] = 8


class LlmScripted(Section, frozen=True):
    """Scripted language model, for tests and benchmarks."""

    replies: Annotated[
        str, _doc("File with one reply a line, used in turn; empty uses the built-in ones.")
    ] = ""
    first_token_ms: Annotated[Seconds, _doc("Time to the first token, milliseconds.")] = 120.0
    token_ms: Annotated[Seconds, _doc("Time between tokens, milliseconds.")] = 15.0


class LlmSection(WorkerSection, frozen=True):
    """Language model."""

    memory_gb: Annotated[Positive, _doc("Memory set aside for it.")] = 0.8
    engine: Annotated[
        Literal["llama_cpp", "scripted"], _doc("Which engine generates the replies.")
    ] = "llama_cpp"
    model: Annotated[str, _doc("Path of a GGUF file; 'bundled' is SmolLM2-135M-Instruct.")] = (
        "bundled"
    )
    threads: Annotated[
        int, Meta(ge=0, description="CPU threads; 0: all cores, while writing all but one.")
    ] = 0
    context_tokens: Annotated[
        int, Meta(ge=512, description="Context length of one generation, tokens.")
    ] = 2048
    adapters: Annotated[
        dict[str, str], _doc("LoRA adapters: name to GGUF path; personas refer to the name.")
    ] = {}
    scripted: LlmScripted = LlmScripted()


class TtsScripted(Section, frozen=True):
    """Scripted voice, for tests and benchmarks: a tone with 40 ms chunks."""

    first_audio_ms: Annotated[Seconds, _doc("Time to the first chunk, milliseconds.")] = 60.0
    speed: Annotated[Positive, _doc("How many times faster than real time it makes sound.")] = 4.0
    word_s: Annotated[Positive, _doc("Length of the sound of one word, seconds.")] = 0.3


class TtsSection(WorkerSection, frozen=True):
    """Voice."""

    memory_gb: Annotated[Positive, _doc("Memory set aside for it.")] = 0.6
    engine: Annotated[Literal["hibari", "scripted"], _doc("Which engine speaks.")] = "hibari"
    threads: Annotated[int, Meta(ge=0, description="CPU threads; 0 lets the engine choose.")] = 0
    clauses_ahead: Annotated[
        Count, _doc("Clauses the director may hand over before the first is done.")
    ] = 2
    scripted: TtsScripted = TtsScripted()


class MemorySection(WorkerSection, frozen=True):
    """Long-term memory."""

    memory_gb: Annotated[Positive, _doc("Memory set aside for it.")] = 1.2
    engine: Annotated[
        Literal["minilm", "hash"], _doc("Embeddings: sentence-transformers, or hashes for tests.")
    ] = "minilm"
    model: Annotated[
        str, _doc("Path of a sentence-transformers model; 'bundled' is all-MiniLM-L6-v2.")
    ] = "bundled"
    limit: Annotated[Count, _doc("How many memories a reply may see.")] = 2
    min_score: Annotated[
        float, Meta(ge=0, le=1, description="Hits less similar than this are left out.")
    ] = 0.5
    flush_s: Annotated[Positive, _doc("Longest time a memory stays unwritten, seconds.")] = 2.0


class StageSection(WorkerSection, frozen=True):
    """Sound and captions out."""

    memory_gb: Annotated[Positive, _doc("Memory set aside for it.")] = 0.2
    overlay: Annotated[bool, _doc("Serve the page with sound and captions.")] = True
    overlay_host: Annotated[str, _doc("Address the page listens on.")] = "127.0.0.1"
    overlay_port: Annotated[Port, _doc("Port of the page; 0 takes a free one.")] = 8765
    device: Annotated[
        str, _doc("Sound device: empty for none, 'default', or a part of its name.")
    ] = ""
    wav: Annotated[str, _doc("WAV file everything audible is written to; empty for none.")] = ""
    audio_ahead_s: Annotated[Positive, _doc("Most sound that may wait at the stage, seconds.")] = (
        4.0
    )
    caption_words_per_s: Annotated[
        Positive, _doc("Reading speed for captions without sound, words a second.")
    ] = 3.0


class TwitchSection(Section, frozen=True):
    """Twitch. Reading needs a channel and no account; the rest needs the secret twitch_token."""

    channel: Annotated[str, _doc("Channel to read; empty for none.")] = ""
    source: Annotated[
        Literal["irc", "eventsub"], _doc("Where lines come from; eventsub needs a token.")
    ] = "irc"
    irc_host: Annotated[str, _doc("Address of the IRC server.")] = "irc.chat.twitch.tv"
    irc_port: Annotated[Port, _doc("Its port; always TLS.")] = 6697
    eventsub_url: Annotated[str, _doc("WebSocket of EventSub.")] = "wss://eventsub.wss.twitch.tv/ws"
    helix_url: Annotated[str, _doc("Address of the Helix API.")] = "https://api.twitch.tv/helix"
    id_url: Annotated[str, _doc("Where tokens are checked and renewed.")] = (
        "https://id.twitch.tv/oauth2"
    )


class YouTubeSection(Section, frozen=True):
    """YouTube live chat. Needs the secret youtube_key, or youtube_token to moderate too."""

    video: Annotated[str, _doc("Id or address of the live video; empty for none.")] = ""
    api_url: Annotated[str, _doc("Address of the API.")] = "https://www.googleapis.com/youtube/v3"
    id_url: Annotated[str, _doc("Where tokens are renewed.")] = (
        "https://oauth2.googleapis.com/token"
    )
    daily_quota: Annotated[Count, _doc("Units a day the project has.")] = 10_000
    poll_units: Annotated[Count, _doc("Units one look at the chat costs.")] = 5
    spread_h: Annotated[
        Seconds,
        _doc("Look less often if need be, so that the quota lasts this many hours; 0 never."),
    ] = 8.0


class ChatSection(WorkerSection, frozen=True):
    """Chat platforms in."""

    memory_gb: Annotated[Positive, _doc("Memory set aside for it.")] = 0.15
    replay: Annotated[
        str, _doc("Chat file to replay (JSON lines); 'sample' is the bundled one, empty none.")
    ] = ""
    replay_speed: Annotated[Positive, _doc("Replay this many times faster than recorded.")] = 1.0
    replay_loop: Annotated[bool, _doc("Begin again at the end of the file.")] = False
    max_chars: Annotated[Count, _doc("Longer chat lines are cut to this many characters.")] = 500
    ca_file: Annotated[
        str, _doc("Certificates (PEM) to trust besides the system's, for a proxy that has its own.")
    ] = ""
    retry_base_s: Annotated[
        Positive, _doc("First delay before a platform is tried again, doubled each time, seconds.")
    ] = 1.0
    retry_max_s: Annotated[Positive, _doc("Longest such delay, seconds.")] = 60.0
    twitch: TwitchSection = TwitchSection()
    youtube: YouTubeSection = YouTubeSection()


OnFound = Literal["allow", "mask", "hold", "drop"]


class GateInput(Section, frozen=True):
    """What happens to a viewer's line in which the gate finds something."""

    urls: Annotated[OnFound, _doc("Addresses of web pages.")] = "mask"
    personal: Annotated[OnFound, _doc("E-mail addresses, phone and card numbers, IPs.")] = "mask"
    injection: Annotated[OnFound, _doc("Attempts to give the model instructions.")] = "drop"
    spam: Annotated[OnFound, _doc("Walls of one character, painting, no text at all.")] = "drop"


class GateOutput(Section, frozen=True):
    """What happens to a clause she is about to say in which the gate finds something."""

    urls: Annotated[OnFound, _doc("Addresses of web pages.")] = "mask"
    personal: Annotated[OnFound, _doc("E-mail addresses, phone and card numbers, IPs.")] = "drop"
    injection: Annotated[OnFound, _doc("Pieces of a prompt: role marks, special tokens.")] = "drop"
    spam: Annotated[OnFound, _doc("Walls of one character.")] = "mask"


class GateTighten(Section, frozen=True):
    """When hits rise, the show becomes careful by itself; only an operator opens it again."""

    hits: Annotated[
        int, Meta(ge=0, description="This many hits within the window tighten the show; 0 never.")
    ] = 8
    window_s: Annotated[Positive, _doc("Length of that sliding window, seconds.")] = 60.0
    to: Annotated[
        Literal["approval", "safe"],
        _doc("Every reply waits for approval, or the safe personality goes on air."),
    ] = "approval"
    persona: Annotated[str, _doc("The safe personality; a key of [personas], empty for none.")] = ""


class GateSection(Section, frozen=True):
    """What may be said, and what may be read. docs/gate.md explains the lists."""

    words: Annotated[
        str, _doc("Word list, re-read when it changes; 'bundled' is the one shipped.")
    ] = "bundled"
    allow: Annotated[
        str, _doc("Words that are innocent whatever they contain; 'bundled', a file, or empty.")
    ] = "bundled"
    classifier: Annotated[
        str, _doc("Directory of a text classifier (model.onnx, tokenizer.json); empty for none.")
    ] = ""
    classifier_limit: Annotated[
        float, Meta(ge=0, le=1, description="From this score on the classifier's word counts.")
    ] = 0.8
    input: GateInput = GateInput()
    output: GateOutput = GateOutput()
    tighten: GateTighten = GateTighten()


class ScoreSection(Section, frozen=True):
    """How waiting chat lines are weighed; docs/chat.md has the formula. 1.0 changes nothing."""

    half_life_s: Annotated[Positive, _doc("A line is worth half after waiting this long.")] = 25.0
    mention: Annotated[Positive, _doc("It names her.")] = 3.0
    question: Annotated[Positive, _doc("It asks something.")] = 1.7
    reply: Annotated[Positive, _doc("It is a reply to her.")] = 2.0
    first: Annotated[Positive, _doc("The viewer writes for the first time.")] = 2.0
    paid: Annotated[Positive, _doc("Factor for each doubling of one dollar paid.")] = 2.0
    event: Annotated[Positive, _doc("A sub, gift or raid.")] = 6.0
    member: Annotated[Positive, _doc("Subscribers, VIPs, moderators, trusted viewers.")] = 1.2
    repeated: Annotated[Positive, _doc("For each doubling of people who say the same.")] = 1.6
    answered: Annotated[Positive, _doc("Each recent reply to the same viewer.")] = 0.4
    emotes_only: Annotated[Positive, _doc("There are no words in it.")] = 0.1
    other: Annotated[Positive, _doc("A milestone or ritual that the platform tells of.")] = 0.1
    aside: Annotated[Positive, _doc("It speaks to another viewer.")] = 0.5
    busy: Annotated[Positive, _doc("Each line the same viewer wrote in the last minute.")] = 0.8


class DirectorSection(WorkerSection, frozen=True):
    """Choosing, prompting, deciding."""

    memory_gb: Annotated[Positive, _doc("Memory set aside for it.")] = 0.15
    queue_size: Annotated[Count, _doc("Chat lines that may wait.")] = 64
    queue_max_age_s: Annotated[Positive, _doc("Lines older than this are passed over.")] = 90.0
    viewer_lines: Annotated[Count, _doc("Lines of one viewer that may wait; the newest do.")] = 3
    recall_deadline_ms: Annotated[
        Seconds, _doc("Memory that answers later than this is not waited for, milliseconds.")
    ] = 80.0
    history_turns: Annotated[Count, _doc("Exchanges kept in the prompt before old ones go.")] = 8
    history_trim: Annotated[
        Count, _doc("How many go at once: fewer, larger cuts keep the prefix cache warm.")
    ] = 4
    max_tokens: Annotated[Count, _doc("Longest reply, tokens.")] = 56
    temperature: Annotated[float, Meta(ge=0, le=2, description="Sampling temperature.")] = 0.5
    first_clause_words: Annotated[
        Count, _doc("The first clause is cut at the first punctuation after this many words.")
    ] = 3
    first_clause_max_words: Annotated[
        Count, _doc("Without punctuation the first clause is cut after this many words.")
    ] = 9
    prepare_ahead_s: Annotated[
        Seconds,
        _doc("The next reply is prepared when this much sound of the present one is left."),
    ] = 1.5
    idle_after_s: Annotated[
        Seconds, _doc("She talks by herself when chat is quiet for this long; 0 never.")
    ] = 45.0
    turn_timeout_s: Annotated[
        Positive, _doc("A turn in which nothing happens for this long is given up, seconds.")
    ] = 20.0
    slow_s: Annotated[Seconds, _doc("Shortest time between two replies to chat, seconds.")] = 0.0
    air_delay_s: Annotated[
        Seconds,
        _doc("Every reply waits this long before its first sound: time to dump it, seconds."),
    ] = 0.0
    crowd_per_minute: Annotated[
        Count, _doc("From this many lines a minute on she answers chat as a crowd.")
    ] = 240
    approvals: Annotated[Count, _doc("Lines and replies that may wait for a person.")] = 32
    called: Annotated[
        list[str], _doc("Other names she answers to: nicknames, her account on a platform.")
    ] = []
    commands: Annotated[
        dict[str, str],
        _doc("Chat commands: name to what she is asked to do then; others are passed over."),
    ] = {}
    score: ScoreSection = ScoreSection()


class VoiceSection(Section, frozen=True):
    """How a personality sounds."""

    name: Annotated[str, _doc("Voice of the engine; hibari bundles 'heart'.")] = "heart"
    speed: Annotated[float, Meta(ge=0.5, le=2, description="1.0 is the voice's own pace.")] = 1.0
    pitch: Annotated[
        float, Meta(ge=-12, le=12, description="Semitones up or down from the voice's own.")
    ] = 0.0


class PersonaSection(Section, frozen=True):
    """One personality."""

    name: Annotated[str, _doc("What she is called on screen and in chat.")]
    system: Annotated[str, _doc("Who she is and how she talks: the beginning of every prompt.")]
    color: Annotated[
        str, Meta(pattern=r"^#[0-9a-fA-F]{6}$", description="Colour of her captions, #rrggbb.")
    ] = "#7fd1ff"
    adapter: Annotated[str, _doc("LoRA adapter from [llm.adapters]; empty for none.")] = ""
    voice: VoiceSection = VoiceSection()
    examples: Annotated[
        list[tuple[str, str, str]],
        _doc("How she talks, shown to the model: viewer, what was said, her answer."),
    ] = []
    idle: Annotated[list[str], _doc("Things to talk about when chat is quiet, used in turn.")] = []
    mask: Annotated[str, _doc("What she says instead of a word the gate hides.")] = "beep"
    hold_line: Annotated[str, _doc("Said when the language model is gone for good.")] = (
        "Give me a moment, my thoughts are somewhere else."
    )


class UiSection(Section, frozen=True):
    """The terminal."""

    rate_hz: Annotated[
        float, Meta(ge=1, le=8, description="How often the panes are redrawn, times a second.")
    ] = 4.0
    keys: Annotated[
        dict[str, str], _doc("Your own keys: action to key, for the actions of docs/keys.md.")
    ] = {}


class Config(Section, frozen=True):
    """All of config.toml, resolved: defaults, file, profile and environment."""

    show: ShowSection = ShowSection()
    supervisor: SupervisorSection = SupervisorSection()
    director: DirectorSection = DirectorSection()
    llm: LlmSection = LlmSection()
    tts: TtsSection = TtsSection()
    memory: MemorySection = MemorySection()
    stage: StageSection = StageSection()
    chat: ChatSection = ChatSection()
    gate: GateSection = GateSection()
    ui: UiSection = UiSection()
    personas: dict[str, PersonaSection] = field(default_factory=dict)

    def worker(self, name: str) -> WorkerSection:
        """The table of one worker. KeyError if there is no such worker."""
        if name not in WORKERS:
            raise KeyError(name)
        section: WorkerSection = getattr(self, name)
        return section


WORKERS = ("stage", "tts", "llm", "memory", "director", "chat")
"""All workers, in the order the screen shows them."""

AFTER: dict[str, tuple[str, ...]] = {
    "stage": (),
    "tts": (),
    "llm": (),
    "memory": (),
    "director": ("stage", "tts", "llm", "memory"),
    "chat": ("director",),
}
"""A worker starts when those named here are settled; the show stops in reverse."""
