"""What all messages have in common: the base class and the bounds of their fields."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

PROTOCOL_VERSION = 1

# Bounds that every decoder holds a frame to: one absurd number must not be believed, or a
# single stray TurnEnd would make the stage take every later turn for an old one.
TurnNumber = Annotated[int, Meta(ge=0, le=2**53)]
ClauseNumber = Annotated[int, Meta(ge=0, le=2**20)]
Amount = Annotated[int, Meta(ge=0, le=2**53)]
Nanoseconds = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Seconds = Annotated[float, Meta(ge=0, le=1e9)]
Part = Annotated[float, Meta(ge=0, le=1)]
Finite = Annotated[float, Meta(ge=-1e15, le=1e15)]  # neither NaN nor infinite, which JSON lacks
ClauseText = Annotated[str, Meta(max_length=4096)]  # the splitter cuts at a tenth of this


class Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag=True):
    """Base of everything that crosses a process boundary."""
