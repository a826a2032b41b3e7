"""What may be said and read."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from ipc.config.base import Positive, Section, doc

OnFound = Literal["allow", "mask", "hold", "drop"]


class GateInput(Section, frozen=True):
    """What happens to a viewer's line in which the gate finds something."""

    urls: Annotated[OnFound, doc("Addresses of web pages.")] = "mask"
    personal: Annotated[OnFound, doc("E-mail addresses, phone and card numbers, IPs.")] = "mask"
    injection: Annotated[OnFound, doc("Attempts to give the model instructions.")] = "drop"
    spam: Annotated[OnFound, doc("Walls of one character, painting, no text at all.")] = "drop"


class GateOutput(Section, frozen=True):
    """What happens to a clause she is about to say in which the gate finds something."""

    urls: Annotated[OnFound, doc("Addresses of web pages.")] = "mask"
    personal: Annotated[OnFound, doc("E-mail addresses, phone and card numbers, IPs.")] = "drop"
    injection: Annotated[OnFound, doc("Pieces of a prompt: role marks, special tokens.")] = "drop"
    spam: Annotated[OnFound, doc("Walls of one character.")] = "mask"


class GateTighten(Section, frozen=True):
    """When hits rise, the show becomes careful by itself; only an operator opens it again."""

    hits: Annotated[
        int, Meta(ge=0, description="This many hits within the window tighten the show; 0 never.")
    ] = 8
    window_s: Annotated[Positive, doc("Length of that sliding window, seconds.")] = 60.0
    to: Annotated[
        Literal["approval", "safe"],
        doc("Every reply waits for approval, or the safe personality goes on air."),
    ] = "approval"
    persona: Annotated[str, doc("The safe personality; a key of [personas], empty for none.")] = ""


class GateSection(Section, frozen=True):
    """What may be said, and what may be read. docs/gate.md explains the lists."""

    words: Annotated[
        str, doc("Word list, re-read when it changes; 'bundled' is the one shipped.")
    ] = "bundled"
    allow: Annotated[
        str, doc("Words that are innocent whatever they contain; 'bundled', a file, or empty.")
    ] = "bundled"
    classifier: Annotated[
        str, doc("Directory of a text classifier (model.onnx, tokenizer.json); empty for none.")
    ] = ""
    classifier_limit: Annotated[
        float, Meta(ge=0, le=1, description="From this score on the classifier's word counts.")
    ] = 0.8
    input: GateInput = GateInput()
    output: GateOutput = GateOutput()
    tighten: GateTighten = GateTighten()
