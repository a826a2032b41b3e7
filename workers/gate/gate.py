"""Judges every clause before it reaches the voice. Without a word list nothing is said.

The list has one entry a line: a word or several, optionally with ``mask:`` or ``drop:``
before it (mask is the default), and ``#`` begins a comment. Entries match whole words,
whatever their case, accents, width or simple look-alikes (``b4d``, Cyrillic letters).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Literal

from ipc.config import GateSection

BUNDLED = Path(__file__).with_name("words.txt")
RECHECK_NS = 1_000_000_000
# an underscore is markup, not a letter; a mark over, through or behind a letter belongs to it
_MARKS = r"\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe00-\ufe0f"
_PART = rf"(?:[^\W_]|[@$])(?:[^\W_]|[@${_MARKS}])*"
_WORD = re.compile(rf"{_PART}(?:['’]{_PART})*")
_MARK = re.compile(f"[{_MARKS}]")
_ENTRY = re.compile(r"(?:(\w+)\s*:)?\s*(.*)")
_INVISIBLE = dict.fromkeys(  # soft hyphen, joiners, directions, tags: Unicode's category Cf
    (
        *(0x00AD, 0x061C, 0x180E, *range(0x200B, 0x2010), *range(0x202A, 0x202F)),
        *(*range(0x2060, 0x2070), 0xFEFF, *range(0xFFF9, 0xFFFC), *range(0xE0000, 0xE0080)),
    )
)
_SAME = str.maketrans("аеорсухкмтнвіѕјԁɡαορνιτκ@$034578", "aeopcyxkmthbisjdgaopvitka" + "soeastb")
_ONE_AS = ("i", "l")  # what a "1" may stand for


class Verdict(StrEnum):
    """What happens to a clause."""

    ALLOW = "allow"
    MASK = "mask"
    HOLD = "hold"  # for a person to decide
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict and the text that may go on. ``why`` names the entry that matched."""

    verdict: Verdict
    text: str
    why: str = ""


class WordListError(ValueError):
    """A line of the word list cannot be read; the message names it."""


class WordList:
    """A parsed list. Looks each word up once, so its size does not matter."""

    def __init__(self, entries: dict[tuple[str, ...], tuple[Verdict, str]]) -> None:
        self._entries = entries
        self._first: dict[str, int] = {}  # first word -> longest entry that begins with it
        for words in entries:
            self._first[words[0]] = max(len(words), self._first.get(words[0], 0))

    def __len__(self) -> int:
        return len(self._entries)

    @classmethod
    def parse(cls, text: str) -> WordList:
        """Raises WordListError with the line's number."""
        entries: dict[tuple[str, ...], tuple[Verdict, str]] = {}
        for number, line in enumerate(text.splitlines(), 1):
            entry = line.split("#", 1)[0].strip()
            if not entry:
                continue
            matched = _ENTRY.fullmatch(entry)
            severity, rest = matched.groups() if matched else (None, "")
            if severity is not None and severity.lower() not in {"mask", "drop"}:
                raise WordListError(f"line {number}: {severity!r} is neither 'mask' nor 'drop'")
            words = tuple(_folds(word)[0] for word in _WORD.findall(_visible(rest)))
            if not words:
                raise WordListError(f"line {number}: there is no word in {entry!r}")
            verdict = Verdict((severity or "mask").lower())
            before = entries.get(words)
            if before is None or before[0] is not Verdict.DROP:  # the stricter one counts
                entries[words] = (verdict, rest)
        return cls(entries)

    def judge(self, text: str) -> Judgement:
        """Allow, mask (the matched words become stars) or drop."""
        text = _visible(text)
        found = list(_WORD.finditer(text))
        folds = [_folds(match.group()) for match in found]
        spans: list[tuple[int, int]] = []
        why = ""
        at = 0
        while at < len(found):
            length, verdict, entry = self._match(folds, at)
            if verdict is Verdict.DROP:
                return Judgement(Verdict.DROP, "", entry)
            if length:
                spans.extend(match.span() for match in found[at : at + length])
                why = why or entry
            at += length or 1
        if not spans:
            return Judgement(Verdict.ALLOW, text)
        for start, end in reversed(spans):
            text = text[:start] + "*" * (end - start) + text[end:]
        return Judgement(Verdict.MASK, text, why)

    def _match(self, folds: list[tuple[str, ...]], at: int) -> tuple[int, Verdict, str]:
        """The worst, then longest entry beginning here: words, verdict, entry."""
        best: tuple[int, Verdict, str] = (0, Verdict.ALLOW, "")
        for first in folds[at]:
            for length in range(self._first.get(first, 0), 0, -1):
                for rest in _spellings(folds[at + 1 : at + length]):
                    hit = self._entries.get((first, *rest))
                    if hit is None or len(rest) != length - 1:
                        continue
                    if hit[0] is Verdict.DROP:
                        return length, hit[0], hit[1]
                    if length > best[0]:
                        best = (length, hit[0], hit[1])
        return best


class Gate:
    """A word list file that is read again when it changes. ``side``: which of the policies of
    ``section`` counts."""

    def __init__(self, section: GateSection, side: Literal["input", "output"]) -> None:
        self._policy = section.input if side == "input" else section.output
        self._path = BUNDLED if section.words == "bundled" else Path(section.words).expanduser()
        self._list: WordList | None = None
        self._seen: tuple[int, int] | None = None
        self._checked_ns: int | None = None
        self.problem = ""  # why there is no list, or why the newest one is not in use

    @property
    def loaded(self) -> bool:
        return self._list is not None

    def refresh(self, now_ns: int) -> bool:
        """Look at the file, at most once a second. Whether something changed."""
        if self._checked_ns is not None and now_ns - self._checked_ns < RECHECK_NS:
            return False
        self._checked_ns = now_ns
        try:
            status = self._path.stat()
            seen = (status.st_mtime_ns, status.st_size)
            if seen == self._seen:
                return False
            text = self._path.read_text("utf-8")
            self._list = WordList.parse(text)
        except (OSError, UnicodeDecodeError, WordListError) as error:
            before, self.problem = self.problem, f"the word list {self._path}: {error}"
            return self.problem != before
        self._seen = seen
        self.problem = ""
        return True

    def judge(self, text: str, *, before: str = "", mask: str = "") -> Judgement:  # noqa: ARG002
        """The verdict; DROP for everything while no list was ever read.

        ``before``: the last words that passed already, for phrases that a cut went through.
        ``mask`` stands in the place of what is hidden; empty means stars.
        """
        if self._list is None:
            return Judgement(Verdict.DROP, "", "no word list")
        return self._list.judge(text)


def _visible(text: str) -> str:
    return unicodedata.normalize("NFKC", text.translate(_INVISIBLE))


def _folds(word: str) -> tuple[str, ...]:
    """The ways a word may be meant: usually one."""
    word = word.casefold()
    if word.isascii() and word.isalpha():
        return (word,)
    if word.isdigit():
        return (word,)
    plain = _MARK.sub("", unicodedata.normalize("NFD", word.replace("’", "'")))
    plain = "".join(char for char in plain if not unicodedata.combining(char)).translate(_SAME)
    if "1" in plain:
        return tuple(plain.replace("1", letter) for letter in _ONE_AS)
    return (plain,)


def _spellings(words: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    spellings: list[tuple[str, ...]] = [()]
    for ways in words:
        spellings = [(*known, way) for known in spellings for way in ways][:16]
    return spellings
