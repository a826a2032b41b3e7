"""Bodies: applications that draw an avatar, and what its face does there."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from ipc.config.base import Port, Positive, Section, WorkerSection, doc

Rate = Annotated[float, Meta(ge=2, le=240)]


class VtsSection(Section, frozen=True):
    """One VTube Studio. Two avatars are two of these, with two ports."""

    host: Annotated[str, doc("Where it runs; empty takes whichever is heard on the network.")] = (
        "localhost"
    )
    port: Annotated[Port, doc("Its API port; 0 takes the one told on the network.")] = 8001
    window: Annotated[str, doc("Title of its window, when two run on one computer.")] = ""
    persona: Annotated[
        str, doc("Whose body it is; it listens while the others speak. Empty: everybody's.")
    ] = ""
    parameters: Annotated[
        dict[str, str],
        doc(
            "Changes what drives a parameter of the model: parameter to one of our values, "
            "with '* 0.5' behind it half the way, '-' before it turns it round, empty leaves "
            "the parameter alone."
        ),
    ] = {}
    create: Annotated[
        dict[str, str], doc("Parameters VTube Studio is asked to have: name to explanation.")
    ] = {}
    feelings: Annotated[
        dict[str, str],
        doc("What she feels (joy, anger, sorrow, fun, surprise) to an expression or hotkey."),
    ] = {}


class VmcSection(Section, frozen=True):
    """One VRM application that takes VMC (OSC over UDP)."""

    host: Annotated[str, doc("Where it runs.")] = "127.0.0.1"
    port: Annotated[Port, doc("UDP port it listens on.")] = 39539
    persona: Annotated[str, doc("Whose body it is; empty: everybody's.")] = ""
    head: Annotated[bool, doc("Turn the head bone too.")] = False


class AvatarSection(WorkerSection, frozen=True):
    """Bodies of the personalities. Without one, the overlay page can draw a face."""

    enabled: Annotated[bool, doc("Start this worker with the show.")] = False
    memory_gb: Annotated[Positive, doc("Memory set aside for it.")] = 0.2
    rate_hz: Annotated[Rate, doc("Frames a second while she speaks.")] = 60.0
    idle_hz: Annotated[Rate, doc("Frames a second while she is silent.")] = 30.0
    delay_ms: Annotated[
        float,
        Meta(
            ge=-200,
            le=500,
            description="How much later than the stage's clock her sound is heard where you are.",
        ),
    ] = 30.0
    vts: Annotated[dict[str, VtsSection], doc("VTube Studio, by a name of your own.")] = {}
    vmc: Annotated[dict[str, VmcSection], doc("VRM applications, by a name of your own.")] = {}
