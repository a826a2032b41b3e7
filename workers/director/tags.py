"""Takes out of a token stream what must not be spoken.

``[happy]`` becomes an emotion, ``*waves*`` and ``<think>...</think>`` vanish, bold markers
and chat-template leftovers (``<|im_end|>``) go. Works character by character, so that the
result does not depend on where one token ends and the next begins.
"""

from __future__ import annotations

from dataclasses import dataclass

_TAG_MAX = 32  # characters inside [...]; longer is ordinary text in brackets
_ACTION_MAX = 160  # characters inside *...*; longer was a lone asterisk
_ANGLE_MAX = 24  # characters of a <...> we may be in the middle of
_HIDDEN = ("think", "thinking")


@dataclass(frozen=True, slots=True)
class Emotion:
    """A feeling the model asked for, in lower case."""

    name: str


class TagFilter:
    """Feed text, get the clean text and the emotions in order."""

    def __init__(self) -> None:
        self._held = ""  # a beginning that may still become a tag
        self._hidden = ""  # "</think>" while inside, else ""
        self._tail = ""  # the last characters inside hidden text

    def feed(self, text: str) -> list[str | Emotion]:
        """The next piece of the stream. Text that may yet be a tag is kept back."""
        out: list[str | Emotion] = []
        if not self._held and not self._hidden and not any(c in "[*<" for c in text):
            if text:
                out.append(text)
            return out
        plain: list[str] = []
        pending = list(reversed(text))
        while pending:
            self._step(pending.pop(), plain, out, pending)
        _flush(plain, out)
        return out

    def finish(self) -> list[str | Emotion]:
        """The end of the stream: an unfinished tag or action was cut short and is dropped."""
        held, self._held, self._hidden = self._held, "", ""
        # a lone "<" or "[" opens nothing; anything longer looked like a tag until now
        return [held] if held in {"<", "["} else []

    def _step(
        self, char: str, plain: list[str], out: list[str | Emotion], pending: list[str]
    ) -> None:
        if self._hidden:
            self._tail = (self._tail + char.lower())[-len(self._hidden) :]
            if self._tail == self._hidden:
                self._hidden = self._tail = ""
        elif not self._held:
            if char in "[*<":
                self._held = char
            else:
                plain.append(char)
        elif self._held[0] == "[":
            self._bracket(char, plain, out, pending)
        elif self._held[0] == "*":
            self._star(char, plain, pending)
        else:
            self._angle(char, plain, pending)

    def _bracket(
        self, char: str, plain: list[str], out: list[str | Emotion], pending: list[str]
    ) -> None:
        if char == "]" and len(self._held) > 1:
            name = self._held[1:].strip().lower()
            self._held = ""
            _flush(plain, out)
            if name.isalpha():
                out.append(Emotion(name))
        elif (char.isalpha() or char in " _-:'") and len(self._held) <= _TAG_MAX:
            self._held += char
        else:
            self._give_back(char, plain, pending)

    def _star(self, char: str, plain: list[str], pending: list[str]) -> None:
        if char == "*":
            if self._held.strip("*"):
                self._held = ""  # the action ends
            else:
                self._held += char  # a run of stars: markup so far
        elif len(self._held) > 1 and not self._held.strip("*"):
            self._held = ""  # bold markers go, the text behind them stays
            pending.append(char)
        elif char == "\n" or len(self._held) > _ACTION_MAX or (self._held == "*" and char == " "):
            # not an action: a bullet, a product, a lone star. The star itself is never spoken
            held, self._held = self._held, ""
            pending.append(char)
            plain.extend(held[1:])
        else:
            self._held += char

    def _angle(self, char: str, plain: list[str], pending: list[str]) -> None:
        body = self._held[1:].lower()
        if char == ">":
            self._held = ""
            if body in _HIDDEN:
                self._hidden = f"</{body}>"
            elif not (body.lstrip("/") in _HIDDEN or (body[:1] == "|" and body[-1:] == "|")):
                plain.extend(f"<{body}>")
        elif _may_be_tag(body + char.lower()):
            self._held += char
        else:
            self._give_back(char, plain, pending)

    def _give_back(self, char: str, plain: list[str], pending: list[str]) -> None:
        """What was held is ordinary text; only its first character is certainly no opener."""
        held, self._held = self._held, ""
        plain.append(held[0])
        pending.append(char)
        pending.extend(reversed(held[1:]))


def _may_be_tag(body: str) -> bool:
    if body.startswith("|"):
        return len(body) <= _ANGLE_MAX and all(c.isalnum() or c in "|_" for c in body)
    return any(name.startswith(body.removeprefix("/")) for name in _HIDDEN)


def _flush(plain: list[str], out: list[str | Emotion]) -> None:
    if plain:
        out.append("".join(plain))
        plain.clear()
