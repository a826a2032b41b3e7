"""The show as a whole, who is on air, and the terminal."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from ipc.config.base import Section, doc


class ShowSection(Section, frozen=True):
    """The show as a whole."""

    persona: Annotated[str, doc("Personality on air at the start; a key of [personas].")] = "nova"


class VoiceSection(Section, frozen=True):
    """How a personality sounds."""

    name: Annotated[str, doc("Voice of the engine; hibari bundles 'heart'.")] = "heart"
    speed: Annotated[float, Meta(ge=0.5, le=2, description="1.0 is the voice's own pace.")] = 1.0
    pitch: Annotated[
        float, Meta(ge=-12, le=12, description="Semitones up or down from the voice's own.")
    ] = 0.0


class PersonaSection(Section, frozen=True):
    """One personality."""

    name: Annotated[str, doc("What she is called on screen and in chat.")]
    system: Annotated[str, doc("Who she is and how she talks: the beginning of every prompt.")]
    color: Annotated[
        str, Meta(pattern=r"^#[0-9a-fA-F]{6}$", description="Colour of her captions, #rrggbb.")
    ] = "#7fd1ff"
    adapter: Annotated[str, doc("LoRA adapter from [llm.adapters]; empty for none.")] = ""
    voice: VoiceSection = VoiceSection()
    examples: Annotated[
        list[tuple[str, str, str]],
        doc("How she talks, shown to the model: viewer, what was said, her answer."),
    ] = []
    idle: Annotated[list[str], doc("Things to talk about when chat is quiet, used in turn.")] = []
    mask: Annotated[str, doc("What she says instead of a word the gate hides.")] = "beep"
    hold_line: Annotated[str, doc("Said when the language model is gone for good.")] = (
        "Give me a moment, my thoughts are somewhere else."
    )


class UiSection(Section, frozen=True):
    """The terminal."""

    rate_hz: Annotated[
        float, Meta(ge=1, le=8, description="How often the panes are redrawn, times a second.")
    ] = 4.0
    keys: Annotated[
        dict[str, str], doc("Your own keys: action to key, for the actions of docs/keys.md.")
    ] = {}
