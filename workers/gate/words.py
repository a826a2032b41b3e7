"""Finds the entries of a word list in a text, however they are dressed up.

The text is cut into fragments at everything that is no letter or digit. An entry is a run
of whole fragments whose letters together spell it: usually one fragment, or as many as a
phrase has words, or the pieces of a word that was pulled apart (``f.u c k``). Candidates
come from a table by their skeleton, so the size of the list does not matter.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from copy import copy
from dataclasses import dataclass

from workers.gate.confusables import ODD_SIGNS, UNSURE, odd_letter
from workers.gate.entries import ENDINGS, LONGEST_WORD, Entry, join, skeleton, word_body
from workers.gate.fold import LEET
from workers.gate.verdict import Finding, Verdict

_PLAIN = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
# signs that may be letters are read as such
_DRESSED = re.compile(rf"(?:[^\W_]|[@$!|+()€{ODD_SIGNS}])+")
_HAS_SIGNS = re.compile(rf"[@$|+(€{ODD_SIGNS}]|![^\W_]|\d!")
_STARRED = re.compile(r"[^\W\d_]+(?:[*#%]+[^\W\d_]+)+")
_STARS = re.compile(r"[*#%]")
_GAP_LETTER = "\0"
_EDGE_SIGNS = "!|+()€"
_GAP = 6  # characters between two words of a phrase; an emoji with spaces is three or four
_SPLIT_GAP = 3  # between two pieces of a word
_KNOWN = 8192  # words whose entries are remembered
_HEAD = 4  # letters by which it is known that no entry begins so
_LONGEST_ENDING = 4
_SAME = 3  # times that a letter in a row of the same counts
_ENDINGS_BY_LAST = {last: tuple(e for e in ENDINGS if e[-1] == last) for last in "sdrgny"}
_BEFORE_S = frozenset(["it", "he", "she", "who", "there", "here", "where", "how", "let"])
_LEAST_SLIPPED = 5  # letters of an entry that is known when misspelled
_VOWELS = "aeiou"
_NO_VOWELS = str.maketrans("", "", _VOWELS)
_LONGEST_PHRASE = 4  # words of an allowed phrase
_COMMON = frozenset(
    """a ad ah ai al all am an and any ape are arm art as ask at ate aw away ax back bad bag ball be
    bed been bet big bit boy bus but by bye came can car cat chin co con cool cop cross cut dad day
    did die do dog don down dry duck each eat egg else end even ever eye far fat feel few fight for
    fun game get go god good got gun guy guys had hand has hat he hell hello her here hey hi high
    him his hit ho hole home hot how i if ill in ink into is it itch its job just kick kid kill lad
    lay leg less let lick like line lit long look lot low mad man many map me men mid mom more most
    must my new nice nick nine no nope nor not now of off oh ok old on once one only or other our
    out over own pack pad pan pay pee pen per pet phone pick pig pin pit play plus pop press push
    put quit rap rat raw re real red rib rid right room run sad same sand saw say see self sex she
    shell ship short shot show sick side sign sit six sky so some song stop such sun super sure take
    talk tap tea tell ten than that the them then there these they thing this those tick time tin
    tip tit to told too top toy trap try two uh um un up us use van very was way we well went were
    what when where which while who why will win wing wish with won word work wow yeah year yep yes
    yet you your yours""".split()  # noqa: SIM905 - two hundred quoted words are no easier to read
)
"""Ordinary short words: a word that can be read out of these alone was not pulled apart."""


@dataclass(slots=True)
class _Fragment:
    start: int
    end: int
    body: str
    skeleton: str


class WordList:
    """Parsed entries, ready to be looked for. Its answers never change."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._exact: dict[str, tuple[Entry, ...]] = {}
        self._inside: dict[str, tuple[Entry, ...]] = {}
        self._reach: dict[str, int] = {}  # beginning of entries -> length of the longest of them
        self._short: set[str] = set()  # entries that are shorter than such a beginning
        inside_lengths: dict[str, set[int]] = defaultdict(set)
        # by first or last letter and length, for words of which some letters are hidden
        self._by_ends: dict[tuple[str, str, int], list[Entry]] = {}
        self._slips: dict[str, list[Entry]] = {}  # by their consonants in order of the alphabet
        self._count = 0
        for entry in entries:
            self._count += 1
            for bones in entry.skeletons():
                self._exact[bones] = (*self._exact.get(bones, ()), entry)
                for length in range(1, _HEAD + 1):
                    head = bones[:length]
                    self._reach[head] = max(self._reach.get(head, 0), len(bones))
                if len(bones) < _HEAD:
                    self._short.add(bones)
                if entry.inside:
                    self._inside[bones] = (*self._inside.get(bones, ()), entry)
                    inside_lengths[bones[:2]].add(len(bones))
            if _may_slip(entry):
                self._slips.setdefault(_consonants(entry.letters), []).append(entry)
            if len(entry.words) == 1 and len(entry.letters) > 2:
                first, last, length = entry.letters[0], entry.letters[-1], len(entry.letters)
                for key in ((first, "", length), ("", last, length)):
                    self._by_ends.setdefault(key, []).append(entry)
        self._inside_lengths = {head: tuple(sorted(n)) for head, n in inside_lengths.items()}
        self._known: dict[str, tuple[Entry, ...]] = {}  # chat uses few words, again and again
        self._allowed: frozenset[tuple[str, ...]] = frozenset()
        self._allowed_first: frozenset[str] = frozenset()

    def __len__(self) -> int:
        return self._count

    def allowing(self, allowed: frozenset[tuple[str, ...]]) -> WordList:
        """The same entries with another allow list; the tables are shared."""
        other = copy(self)
        other._allowed = allowed
        other._allowed_first = frozenset(words[0] for words in allowed if len(words) > 1)
        return other

    def find(self, text: str) -> list[Finding]:
        """Every entry in ``text`` (``Plain.letters``)."""
        findings = self._scan(text, _PLAIN)
        if _HAS_SIGNS.search(text):
            findings += self._scan(text, _DRESSED)
        if _STARS.search(text):
            findings += self._find_starred(text)
        return findings

    def _scan(self, text: str, pattern: re.Pattern[str]) -> list[Finding]:
        fragments = []
        for found in pattern.finditer(text):
            body = word_body(found.group()).replace("()", "o")
            if body:
                fragments.append(_Fragment(found.start(), found.end(), body, skeleton(body)))
        closed = self._innocent(fragments)
        findings: list[Finding] = []
        for at, fragment in enumerate(fragments):
            if at in closed:
                continue
            findings.extend(_finding(fragment, fragment, entry) for entry in self._alone(fragment))
            if self._longest(fragment.skeleton):
                findings.extend(self._joined(text, fragments, at, closed))
        if not text.isascii():
            findings.extend(self._with_odd_pieces(fragments))
        return findings

    def _innocent(self, fragments: list[_Fragment]) -> set[int]:
        """Positions of fragments that are, or are part of, what the allow list has."""
        if not self._allowed:
            return set()
        closed: set[int] = set()
        for at, fragment in enumerate(fragments):
            word = fragment.body.replace(UNSURE, "i")
            if self._allows((word,)):
                closed.add(at)
            if word not in self._allowed_first:
                continue
            words = [f.body.replace(UNSURE, "i") for f in fragments[at : at + _LONGEST_PHRASE]]
            for length in range(2, len(words) + 1):
                if self._allows(tuple(words[:length])):
                    closed.update(range(at, at + length))
        return closed

    def _allows(self, words: tuple[str, ...]) -> bool:
        """Whether these words, or their singular, are on the allow list."""
        if words in self._allowed:
            return True
        last = words[-1]
        return len(last) > 1 and last[-1] == "s" and (*words[:-1], last[:-1]) in self._allowed

    def _alone(self, fragment: _Fragment) -> tuple[Entry, ...]:
        """Entries that one fragment spells, or contains."""
        known = self._known.get(fragment.body)
        if known is None:
            known = tuple(self._look_up(fragment))
            if len(fragment.body) > LONGEST_WORD:
                return known
            if len(self._known) >= _KNOWN:
                self._known.clear()
            self._known[fragment.body] = known
        return known

    def _look_up(self, fragment: _Fragment) -> list[Entry]:
        meant = [entry for reading in _readings(fragment) for entry in self._spelled(*reading)]
        meant = meant or self._with_odd_letters(fragment.body) or self._slipped(fragment.body)
        bones = fragment.skeleton
        for at in range(len(bones) - 1):
            for length in self._inside_lengths.get(bones[at : at + 2], ()):
                for entry in self._inside.get(bones[at : at + length], ()):
                    if entry not in meant and entry.is_inside(fragment.body):
                        meant.append(entry)
        return meant

    def _joined(
        self, text: str, fragments: list[_Fragment], at: int, closed: set[int]
    ) -> Iterator[Finding]:
        """Entries that several fragments from ``at`` on spell together."""
        first = fragments[at]
        bones, body, widest = first.skeleton, first.body, 0
        spaced = False
        for last in range(at + 1, len(fragments)):
            if len(bones) >= self._longest(bones):
                return
            fragment, end = fragments[last], fragments[last - 1].end
            gap = fragment.start - end
            if gap > _GAP or last in closed:
                return
            bones, body = join(bones, fragment.skeleton), body + fragment.body
            if len(bones) == 1 and last - at > _SAME:
                return  # a row of one letter spells the same from its next one on
            widest = max(widest, gap)
            spaced = spaced or " " in text[end : fragment.start]
            for entry in self._spelled(body, bones):
                if _may_join(entry, fragments[at : last + 1], widest, spaced=spaced) and not (
                    first.body == "s" and last == at + 1 and at and _is_s(text, fragments, at)
                ):
                    yield _finding(first, fragment, entry)

    def _with_odd_pieces(self, fragments: list[_Fragment]) -> Iterator[Finding]:
        """Words that were pulled apart and have odd letters: in two pieces, or letter by letter."""
        run: list[_Fragment] = []
        for at, fragment in enumerate(fragments):
            if run and (len(fragment.body) > 1 or fragment.start - run[-1].end > _SPLIT_GAP):
                yield from self._as_one(run)
                run = []
            if len(fragment.body) == 1:
                run.append(fragment)
            if at and fragment.start - fragments[at - 1].end <= _SPLIT_GAP:
                yield from self._as_one(fragments[at - 1 : at + 1])
        yield from self._as_one(run)

    def _as_one(self, pieces: list[_Fragment]) -> Iterator[Finding]:
        for entry in self._with_odd_letters("".join(piece.body for piece in pieces)):
            yield _finding(pieces[0], pieces[-1], entry)

    def _with_odd_letters(self, body: str) -> list[Entry]:
        if body.isascii():
            return []
        word = "".join(_GAP_LETTER if odd_letter(char) else char for char in body)
        return self._with_gaps(word.translate(LEET)) if _GAP_LETTER in word else []

    def _slipped(self, body: str) -> list[Entry]:
        """The strictest entries with two neighbours swapped or one vowel left out."""
        word = body if body.isalpha() else body.translate(LEET)
        if len(word) < _LEAST_SLIPPED - 1 or not (word.isascii() and word.isalpha()):
            return []
        forms = (word, word[:-1]) if word[-1] == "s" else (word,)
        return [
            entry
            for form in forms
            for entry in self._slips.get(_consonants(form), ())
            if _is_slip(form, entry.letters)
        ]

    def _longest(self, bones: str) -> int:
        """Length of the longest skeleton that begins like this and may mean an entry."""
        if bones[-1] == "p" and len(bones) > 1:  # of which an "h" may make an "f"
            bones = bones[:-1]
        longest = self._reach.get(bones[:_HEAD], 0)
        if not longest and not (bones[:3] in self._short or bones[:2] in self._short):
            return 0
        return max(longest, _HEAD) + _LONGEST_ENDING

    def _spelled(self, body: str, bones: str) -> list[Entry]:
        """The entries that ``body``, whose skeleton is ``bones``, means."""
        meant = [entry for entry in self._exact.get(bones, ()) if entry.is_meant_by(body)]
        endings = _ENDINGS_BY_LAST.get(bones[-1])
        if endings is None:
            return meant
        stems = (
            stem
            for ending in endings
            if bones.endswith(ending) and len(bones) > len(ending) + 1
            for stem in _stems(bones[: -len(ending)])
        )
        for stem in stems:
            meant += [entry for entry in self._exact.get(stem, ()) if entry.is_meant_by(body)]
        return meant

    def _find_starred(self, text: str) -> Iterator[Finding]:
        """Words with some letters hidden by their writer: f**k."""
        for found in _STARRED.finditer(text):
            word = _STARS.sub(_GAP_LETTER, found.group())
            for entry in self._with_gaps(word):
                yield Finding(found.start(), found.end(), entry.verdict, entry.shown)
            for ending in _ENDINGS_BY_LAST.get(word[-1], ()):
                stem = word.removesuffix(ending)
                if len(stem) < len(word) and len(stem) > 2 and _GAP_LETTER in stem:
                    for entry in self._with_gaps(stem):
                        if entry.inflected:
                            yield Finding(found.start(), found.end(), entry.verdict, entry.shown)

    def _with_gaps(self, word: str) -> list[Entry]:
        """The entries that have the letters of ``word``, and any where it has a gap."""
        if word.count(_GAP_LETTER) > len(word) // 2:
            return []
        key = ("", word[-1]) if word[0] == _GAP_LETTER else (word[0], "")
        pattern = re.compile(re.escape(word).replace(re.escape(_GAP_LETTER), "."))
        candidates = self._by_ends.get((*key, len(word)), ())
        return [entry for entry in candidates if pattern.fullmatch(entry.letters)]


def _readings(fragment: _Fragment) -> Iterator[tuple[str, str]]:
    """The fragment as it is, and without what may only stand beside the word."""
    body = fragment.body
    yield body, fragment.skeleton
    if body.isalpha():
        return
    known = {body, ""}
    for beside in ("()!", _EDGE_SIGNS, _EDGE_SIGNS + "@$0123456789"):
        inner = body.lstrip("(" if beside == "()!" else beside).rstrip(beside)
        if inner not in known:
            known.add(inner)
            yield inner, skeleton(inner)


def _stems(stem: str) -> tuple[str, ...]:
    """What may have stood before an ending: shit(s), rap(e)ing, puss(y)ies."""
    return (stem, stem + "e", stem[:-1] + "y") if stem[-1] == "i" else (stem, stem + "e")


def _may_join(entry: Entry, fragments: list[_Fragment], widest: int, *, spaced: bool) -> bool:
    """Whether these fragments are one word pulled apart, or the words of a phrase."""
    if len(fragments) == len(entry.words):
        return True
    if len(entry.words) == 1 and widest > _SPLIT_GAP:
        return False
    odd = [f.body for f in fragments if f.body.replace(UNSURE, "i") not in _COMMON]
    if len(odd) == 1 and len(odd[0]) == 1 and spaced:
        return len(entry.letters) > 3  # "as S tier" is no word pulled apart
    return bool(odd)


def _is_s(text: str, fragments: list[_Fragment], at: int) -> bool:
    """Whether a lone "s" belongs to the word before it, as in "it s hit or miss"."""
    before = fragments[at - 1]
    return before.body in _BEFORE_S and text[before.end : fragments[at].start] == " "


def _may_slip(entry: Entry) -> bool:
    """Only words that are dropped, and long enough to be known when misspelled."""
    letters = entry.letters
    return (
        entry.verdict is Verdict.DROP
        and entry.inflected
        and len(entry.words) == 1
        and len(letters) >= _LEAST_SLIPPED
        and letters.isascii()
        and letters.isalpha()
    )


def _consonants(word: str) -> str:
    return "".join(sorted(word.translate(_NO_VOWELS)))


def _is_slip(word: str, letters: str) -> bool:
    """Whether ``word`` is ``letters`` with two neighbours swapped behind the first, or without
    a vowel between two consonants."""
    at = next((n for n, (a, b) in enumerate(zip(word, letters, strict=False)) if a != b), len(word))
    if at in (0, len(word)):
        return False
    if len(word) == len(letters):
        return word[at:] == letters[at + 1 : at + 2] + letters[at : at + 1] + letters[at + 2 :]
    return (
        len(word) + 1 == len(letters)
        and letters[at] in _VOWELS
        and letters[at + 1 :] == word[at:] != ""
        and letters[at - 1] not in _VOWELS
        and letters[at + 1] not in _VOWELS
    )


def _finding(first: _Fragment, last: _Fragment, entry: Entry) -> Finding:
    return Finding(first.start, last.end, entry.verdict, entry.shown)
