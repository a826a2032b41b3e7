"""The entries of a word list: how they are written, and what counts as one of them.

One entry a line: a word or several, before it optionally ``mask:``, ``hold:`` or ``drop:``
(mask is the default); ``#`` begins a comment. A word matches itself and its inflections;
``=word`` only itself; a ``*`` at the beginning or end also as part of a longer word.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache, reduce

from workers.gate.confusables import UNSURE
from workers.gate.fold import LEET, plain, squeeze
from workers.gate.verdict import Verdict

_SKELETON = str.maketrans("01345789$@!|+(€lvz2" + UNSURE, "oieastbgsaiitceiussi")
LONGEST_WORD = 40  # characters; what is longer comes once, and is not worth remembering
_MAY_BE = {  # what may stand for a letter, besides itself
    "a": "[a4@]", "b": "[b86]", "c": "[c(]", "e": "[e3€]", "g": "[g96]", "i": f"[i1!|{UNSURE}]",
    "l": f"[l1!|{UNSURE}]", "o": "[o0]", "s": "[s5$z2]", "t": "[t7+]", "u": "[uv]", "z": "[z2s]",
    "f": "(?:f|p+h+)", "w": "(?:w|vv)",
}  # fmt: skip
_LINE = re.compile(r"(?:(\w+)\s*:)?\s*(.*)")
_WORD = re.compile(r"(?:[^\W_]|[@$!|+()€'])*[^\W_](?:[^\W_]|[@$!|+()€'])*|[@$]{2,}")
_BESIDE = "!|+()'€"
_SIGN = re.compile(r"[@$!|]")
_PRICE = re.compile(r"[$€+(]*[\d$€]+[)!+]*|[\d+()|!]+")
_TWO_V = re.compile("(?<!v)vv(?!v)")
_LONG_RUN = re.compile(r"(\D)\1{3,}")
_SCRIPTS_WITHOUT_SPACES = ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR")
_S, _D, _R, _ED = "[sz5$2]", "d", "r", "[e3]+d+"
_ENDINGS = rf"(?:[e3]?{_S}+|{_ED}|[e3]+r+{_S}*|[i1!|]+n+(?:g+{_S}*)?|y+)"
ENDINGS = ("s", "es", "d", "ed", "r", "er", "rs", "ers", "ing", "ings", "in", "y")
"""Of inflected words, in skeleton form."""


class ListError(ValueError):
    """A line of a list cannot be read; the message names it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """``letters``: the entry folded, without spaces. ``shown``: as the list has it."""

    letters: str
    shown: str
    verdict: Verdict
    words: tuple[str, ...]  # its letters, cut where it has spaces
    inflected: bool = True
    from_start: bool = True  # it begins where a word begins
    to_end: bool = True

    @property
    def inside(self) -> bool:
        """Whether it also matches as part of a longer word."""
        return not (self.from_start and self.to_end)

    def skeletons(self) -> set[str]:
        """Of the entry run together, of its words, and of all its letters pulled apart."""
        whole = skeleton(self.letters)
        if "vv" not in self.letters and "ph" not in self.letters:  # else it depends on the cut
            return {whole}
        words = map(skeleton, self.words)
        return {
            whole,
            reduce(join, words),
            reduce(join, map(skeleton, self.letters)),
        }

    def is_meant_by(self, body: str) -> bool:
        """Whether ``body`` (plain, without spaces) spells this entry or an inflection of it."""
        return bool(_pattern(self.letters, self.inflected).fullmatch(self._bounded(body)))

    def is_inside(self, body: str) -> bool:
        """Whether ``body`` contains the entry where it may be contained."""
        pattern = _inside(self.letters, self.from_start, self.to_end)
        return bool(pattern.search(self._bounded(body)))

    def _bounded(self, body: str) -> str:
        if any(char.isalpha() for char in self.letters) and not _has_letter(body):
            return ""
        body = _LONG_RUN.sub(r"\1\1\1", body)
        # a pattern of repeated, overlapping classes takes long on what is far too long for it
        limit = 120 if self.inside else 3 * len(self.letters) + 9
        return body if len(body) <= limit else ""


def skeleton(body: str) -> str:
    """What is left when everything that may stand for a letter became that letter, once.

    Two texts that mean the same word have the same skeleton; the reverse does not hold, so
    an entry found by its skeleton is asked whether it is meant.
    """
    return _remembered(body) if len(body) <= LONGEST_WORD else _skeleton(body)


def _skeleton(body: str) -> str:
    if "vv" in body:
        body = _TWO_V.sub("w", body)
    bones = squeeze(body.translate(_SKELETON))
    return squeeze(bones.replace("ph", "f")) if "ph" in bones else bones


_remembered = lru_cache(maxsize=8192)(_skeleton)


def join(left: str, right: str) -> str:
    """The skeleton of two pieces written as one."""
    if left[-1] == "p" and right[0] == "h":
        left, right = left[:-1], "f" + right[1:]
    return left + right[1:] if left and left[-1] == right[0] else left + right


def parse_words(text: str) -> list[Entry]:
    """The entries of a word list, at least one; the stricter of two equal ones counts.
    Raises ListError."""
    entries: dict[tuple[tuple[str, ...], bool, bool], Entry] = {}
    for number, line in _lines(text):
        found = _LINE.fullmatch(line)
        severity, rest = found.groups() if found else (None, line)
        verdict = {"mask": Verdict.MASK, "hold": Verdict.HOLD, "drop": Verdict.DROP}.get(
            (severity or "mask").lower()
        )
        if verdict is None:
            raise ListError(f"line {number}: {severity!r} is none of 'mask', 'hold' and 'drop'")
        entry = _entry(number, rest.strip(), verdict)
        key = (entry.words, entry.from_start, entry.to_end)
        before = entries.get(key)
        if before is None or before.verdict < entry.verdict:
            entries[key] = entry
    if not entries:  # a file that is just being written looks like this
        raise ListError("there is no entry in it")
    return list(entries.values())


def parse_allowed(text: str) -> frozenset[tuple[str, ...]]:
    """The words and phrases of an allow list, each as its words in plain form. Raises ListError."""
    allowed = set()
    for number, line in _lines(text):
        words = tuple(map(word_body, _words_of(line)))
        if not words:
            raise ListError(f"line {number}: there is no word in {line!r}")
        allowed.add(words)
    return frozenset(allowed)


def word_body(word: str) -> str:
    """A word without apostrophes, and without what an apostrophe added to it (``'s``)."""
    if "'" not in word:
        return word
    head, _, tail = word.rpartition("'")
    return (head if tail in _ADDED else head + tail).replace("'", "")


_ADDED = frozenset(["s", "z", "ll", "re", "ve", "d", "t", "m"])


def _lines(text: str) -> list[tuple[int, str]]:
    lines = enumerate(text.removeprefix("\ufeff").splitlines(), 1)
    stripped = ((number, line.split("#", 1)[0].strip()) for number, line in lines)
    return [(number, line) for number, line in stripped if line]


def _entry(number: int, written: str, verdict: Verdict) -> Entry:
    exact = written.startswith("=")
    core = written.removeprefix("=").strip()
    begins, ends = core.startswith("*"), core.endswith("*")
    core = core.strip("*")
    if "*" in core:
        raise ListError(f"line {number}: '*' stands only at the beginning or the end")
    words = _words_of(core)
    if not words:
        raise ListError(f"line {number}: there is no word in {written!r}")
    words = [_as_letters(word_body(word)) for word in words]
    letters = "".join(words)
    # these scripts have no spaces that could say where a word begins
    anywhere = not core.isascii() and any(
        unicodedata.name(char, "").startswith(_SCRIPTS_WITHOUT_SPACES) for char in core
    )
    if (begins or ends or anywhere) and len(skeleton(letters)) < 2:
        raise ListError(f"line {number}: {written!r} is too short to be looked for inside words")
    return Entry(
        letters,
        core,
        verdict,
        words=tuple(words),
        inflected=not exact,
        from_start=not (begins or anywhere),
        to_end=not (ends or anywhere),
    )


def _words_of(written: str) -> list[str]:
    return [word.strip(_BESIDE) for word in _WORD.findall(plain(written).text)]


def _as_letters(word: str) -> str:
    """An entry that is written in leet means its letters; a number stays one."""
    return word if word.isalpha() or word.isdigit() else word.translate(LEET)


def _has_letter(body: str) -> bool:
    """Whether it is more than a number or a price."""
    if any(char.isalpha() for char in body):
        return True
    return len(body) > 2 and bool(_SIGN.search(body)) and not _PRICE.fullmatch(body)


def _spelled(letters: str) -> str:
    """A pattern for letters, each repeated at least as often as there, leet or not."""
    parts = []
    for run in re.finditer(r"(.)\1*", letters):
        letter, count = run.group(1), min(len(run.group()), 3)  # longer runs are cut to three
        if letter.isdigit():  # 88 and 888 are different numbers
            parts.append(run.group())
            continue
        if letter == "i" and count == 1:  # an l only where no word has one: shlt, not darkly
            parts.append(f"(?:[i1!|{UNSURE}]+|l+(?=[^\\Waeiouyl]))")
            continue
        spelled = _MAY_BE.get(letter, re.escape(letter))
        parts.append(f"{spelled}+" if count == 1 else f"{spelled}{{{count},}}")
    return "".join(parts)


@lru_cache(maxsize=2048)
def _pattern(letters: str, inflected: bool) -> re.Pattern[str]:
    whole = _spelled(letters)
    if not inflected or not letters.isalpha() or len(letters) < 3:
        return re.compile(whole)
    if letters[-1] == "e":
        # doubling the consonant makes another word of it: raping, but rapping
        stem = _spelled(letters[:-2])
        last = _MAY_BE.get(letters[-2], re.escape(letters[-2]))
        once = f"{stem}{last}+" if letters[-3] == letters[-2] else f"{stem}{last}(?:{last}{{2,}})?"
        ends = rf"(?:[e3](?:{_S}+|{_D}|{_R}{_S}*)|[i1!|]n(?:g{_S}*)?|y)"
        return re.compile(rf"{whole}|{once}{ends}")
    if letters[-1] == "y":
        return re.compile(rf"{whole}{_ENDINGS}?|{_spelled(letters[:-1])}[i1!|][e3](?:{_S}|d|r)")
    return re.compile(whole + _ENDINGS + "?")


@lru_cache(maxsize=2048)
def _inside(letters: str, from_start: bool, to_end: bool) -> re.Pattern[str]:
    return re.compile(
        ("^" if from_start else "") + _spelled(letters) + (f"{_ENDINGS}?$" if to_end else "")
    )
