"""Cuts a reply into clauses while it is being generated.

The first clause is cut early, because it decides when the first sound comes. After that
whole sentences are cut, the moment their full stop is there: waiting for the next token
would cost one token's time in every sentence. Where the next character decides (``3.5``,
a link), that character is waited for. Letters that stand alone (``n. o. w.``) are no clause
of their own: they would sound like a list, and be judged one by one.
"""

from __future__ import annotations

from dataclasses import dataclass

from workers.director.tags import Emotion, TagFilter

_STOPS = ".!?…"
_WIDE_STOPS = "。！？｡"
_CLOSERS = "\"'”’)]}»」』）】"
_PAUSES = ",;:—–、，；："
_LONG_WORDS = 18  # a sentence this long is cut at its next comma ...
_LONGEST_WORDS = 25  # ... and this long at the next word
_LONGEST_CHARS = 400  # one "word" without end is cut by length
_ABBREVIATIONS = frozenset(
    ["mr", "mrs", "ms", "mx", "dr", "prof", "sr", "jr", "st", "vs", "etc", "approx", "gen"]
)


@dataclass(frozen=True, slots=True)
class Piece:
    """One clause, exactly as generated (spaces included), and the feeling that goes with it."""

    text: str
    emotion: str = ""


class ClauseSplitter:
    """Feed tokens, get clauses. Joined, the clauses are the reply without its tags.

    ``first_words``: the first clause ends at the first punctuation after this many words;
    ``first_max_words``: without punctuation after this many, once the next word begins.
    """

    def __init__(self, first_words: int = 3, first_max_words: int = 9) -> None:
        self._tags = TagFilter()
        self._first_words = first_words
        self._first_max = max(first_words, first_max_words)
        self._first = True
        self._buffer = ""
        self._at = 0  # characters of the buffer that are decided
        self._words = 0.0  # words that began before _at; a CJK character counts half
        self._in_word = False
        self._spells = True  # no word of more than one character so far
        self._emotion = ""

    def feed(self, text: str) -> list[Piece]:
        """The next piece of the reply; the clauses it completes, usually none."""
        pieces: list[Piece] = []
        for item in self._tags.feed(text):
            self._take(item, pieces)
        return pieces

    def finish(self) -> list[Piece]:
        """The reply is complete: what is left, as its last clauses."""
        pieces: list[Piece] = []
        for item in self._tags.finish():
            self._take(item, pieces)
        self._scan(pieces, final=True)
        if self._buffer:
            self._cut(len(self._buffer), pieces)
        return pieces

    def _take(self, item: str | Emotion, pieces: list[Piece]) -> None:
        if isinstance(item, Emotion):
            self._emotion = self._emotion or item.name
        else:
            self._buffer += item
            self._scan(pieces, final=False)

    def _cut(self, end: int, pieces: list[Piece]) -> None:
        pieces.append(Piece(self._buffer[:end], self._emotion))
        self._buffer = self._buffer[end:]
        self._at, self._words, self._in_word = 0, 0.0, False
        self._spells = True
        self._emotion = ""
        self._first = False

    def _scan(self, pieces: list[Piece], *, final: bool) -> None:
        while self._at < len(self._buffer):
            char = self._buffer[self._at]
            if char.isalnum():
                if self._word_starts(char) and self._words >= self._most_words:
                    self._cut(self._at, pieces)
                    continue
                self._count(char)
                self._at += 1
            elif char in _STOPS or char in _WIDE_STOPS or char in _PAUSES or char == "\n":
                end = self._boundary(char, final=final)
                if end < 0:
                    return  # the next character decides
                if end:
                    self._cut(end, pieces)
            else:
                self._in_word = self._in_word and char in "'’-_/@"
                self._at += 1
            if self._at >= _LONGEST_CHARS:
                self._cut(self._at, pieces)

    @property
    def _most_words(self) -> int:
        return self._first_max if self._first else _LONGEST_WORDS

    def _word_starts(self, char: str) -> bool:
        return not self._in_word or _is_cjk(char)

    def _count(self, char: str) -> None:
        if _is_cjk(char):
            self._words += 0.5
            self._in_word = self._spells = False
        elif not self._in_word:
            self._words += 1
            self._in_word = True
        else:
            self._spells = False

    def _boundary(self, char: str, *, final: bool) -> int:
        """Where to cut at the punctuation at ``_at``: an index, 0 for "not here" (``_at`` has
        moved on), -1 for "wait"."""
        text, at = self._buffer, self._at
        end = at + 1
        if char in _STOPS or char in _WIDE_STOPS:
            while end < len(text) and text[end] in _STOPS + _WIDE_STOPS + _CLOSERS:
                end += 1
        following = text[end : end + 1]
        before = text[at - 1 : at]
        if not following and not final and char not in _WIDE_STOPS and char != "\n":
            undecided = before.isdigit() if char in ".,:" else False
            if undecided or _is_link(self._last_word(at)):
                return -1
        cut = self._cuts(char, end - at, before, following)
        if cut and following == " ":
            end += 1  # the space goes with the clause it ends
        if cut:
            return end
        self._in_word = self._in_word and following.isalnum() and char in ".:,"
        self._at = end
        return 0

    def _cuts(self, char: str, length: int, before: str, following: str) -> bool:
        enough = self._first_words if self._first else 0.5
        if self._words < enough or self._spells:
            return False
        if char in _WIDE_STOPS or char == "\n":
            return True
        glued = following.isalnum() or (following != "" and following in "/_-@&=%#")
        if char in _STOPS:
            if char in "!?":
                return not (glued and _is_link(self._last_word(self._at)))
            if glued:
                return False
            return length > 1 or char == "…" or not self._abbreviated(before)
        if not self._first and self._words < _LONG_WORDS:
            return False
        if char in ",:" and (following.isdigit() or following == "/") and before:
            return False
        return following.isspace() or not _is_link(self._last_word(self._at))

    def _abbreviated(self, before: str) -> bool:
        """Whether the full stop at ``_at`` belongs to an abbreviation or an initial."""
        if not before.isalpha():
            return False
        word = self._last_word(self._at).lstrip("\"'“‘([{")
        if len(word) == 1:
            return word.isupper() and word != "I"
        parts = word.split(".")
        if len(parts) > 1 and all(len(part) <= 1 for part in parts):
            return True  # e.g. U.S. a.m.
        return word.lower() in _ABBREVIATIONS

    def _last_word(self, end: int) -> str:
        start = max(self._buffer.rfind(" ", 0, end), self._buffer.rfind("\n", 0, end)) + 1
        return self._buffer[start:end]


def _is_link(word: str) -> bool:
    word = word.lower()
    return word.startswith(("http:", "https:", "www.")) or word in {"http", "https", "www"}


def _is_cjk(char: str) -> bool:
    return (
        "\u3040" <= char <= "\u30ff"
        or "\u3400" <= char <= "\u9fff"
        or "\uac00" <= char <= "\ud7af"
        or "\uff66" <= char <= "\uff9d"
    )
