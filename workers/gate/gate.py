"""Judges text: word list, detectors and classifier under one policy, kept up to date.

Without a word list nothing passes. Files are looked at once a second and read again when
they changed, big ones in a thread; one that does not parse leaves the list before it in use.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from ipc.config import GateInput, GateOutput, GateSection
from workers.gate.addresses import addresses
from workers.gate.classifier import MODEL, Classifier, ClassifierError
from workers.gate.confusables import EMOJI_LETTERS, looks_like
from workers.gate.entries import parse_allowed, parse_words
from workers.gate.fold import Plain, fold, plain
from workers.gate.injection import marks, orders
from workers.gate.lists import ListFile
from workers.gate.personal import personal
from workers.gate.spam import spam
from workers.gate.verdict import Finding, Judgement, Verdict
from workers.gate.words import WordList

RECHECK_NS = 1_000_000_000
WORDS = Path(__file__).with_name("words.txt")
ALLOW = Path(__file__).with_name("allow.txt")
_BEFORE_CHARS = 200  # of what passed already; no phrase is longer
_EMOJI_LETTER = re.compile(f"[{EMOJI_LETTERS}]")
_ROUNDS = 3  # hiding a word may bring two others together: so often it is looked at again


class Gate:
    """A judge of one side: what viewers write ("input") or what she is about to say
    ("output"). ``judge`` does not wait, and never raises."""

    def __init__(self, section: GateSection, side: Literal["input", "output"]) -> None:
        self._policy: GateInput | GateOutput = section.input if side == "input" else section.output
        self._input = side == "input"
        self._words = ListFile(
            "word list", _path(section.words, WORDS), lambda text: WordList(parse_words(text))
        )
        self._allow = (
            ListFile("allow list", _path(section.allow, ALLOW), parse_allowed)
            if section.allow
            else None
        )
        self._list: WordList | None = None
        self._classifier = (
            _Classifying(Path(section.classifier).expanduser(), section.classifier_limit)
            if section.classifier
            else None
        )
        self._checked_ns: int | None = None
        self.problem = ""  # what is missing, or not the newest

    @property
    def loaded(self) -> bool:
        """Whether there is a word list; until then everything is dropped."""
        return self._list is not None

    def refresh(self, now_ns: int) -> bool:
        """Look at the files, at most once a second. Whether something changed.

        A big list that changed is read beside the work; until a later call finds it ready,
        the one before it stays in use.
        """
        ready = self._words.parsed or (self._allow is not None and self._allow.parsed)
        early = self._checked_ns is not None and now_ns - self._checked_ns < RECHECK_NS
        if early and not ready:
            return False
        self._checked_ns = now_ns
        new = self._words.refresh()
        new = (self._allow is not None and self._allow.refresh()) or new
        if new and self._words.value is not None:
            allowed = self._allow.value if self._allow else None
            self._list = self._words.value.allowing(allowed or frozenset())
        if self._classifier is not None:
            new = self._classifier.refresh() or new
        parts = (self._words, self._allow, self._classifier)
        problem = "; ".join(part.problem for part in parts if part and part.problem)
        new = new or problem != self.problem
        self.problem = problem
        return new

    def judge(self, text: str, *, before: str = "", mask: str = "") -> Judgement:
        """The verdict; DROP for everything while no list was ever read.

        ``before``: the last words that passed already. What begins there and ends in ``text``
        is found; of it only the part in ``text`` can be hidden. ``mask`` stands in the place
        of what is hidden; empty means stars.
        """
        if self._list is None:
            return Judgement(Verdict.DROP, "", "no word list")
        judgement = self._judge(self._list, text, before, mask)
        for _ in range(_ROUNDS):
            if judgement.verdict is not Verdict.MASK:
                return judgement
            again = self._judge(self._list, judgement.text, before, mask)
            if again.verdict is Verdict.ALLOW:
                return judgement
            why = judgement.why if again.verdict is Verdict.MASK else again.why
            judgement = Judgement(again.verdict, again.text, why)
        return Judgement(Verdict.MASK, _stars(judgement.text), judgement.why)

    def _judge(self, words: WordList, text: str, before: str, mask: str) -> Judgement:
        lead = f"{before[-_BEFORE_CHARS:]} " if before else ""
        joined = lead + text
        shown = plain(joined)
        found = [*words.find(shown.letters), *self._detected(shown)]
        findings = _within(found, shown, len(lead), len(text))
        if _EMOJI_LETTER.search(joined):  # as letters they were read already
            hidden = plain(_EMOJI_LETTER.sub("*", joined))
            findings += _within(words.find(hidden.letters), hidden, len(lead), len(text))
        findings += self._of_the_whole(text, lead)
        strictest = max((finding.verdict for finding in findings), default=Verdict.ALLOW)
        if self._classifier is not None and strictest < Verdict.HOLD:
            opinion = self._classifier.judge(text)
            if opinion is not None:
                findings.append(Finding(0, 0, Verdict.HOLD, opinion))
                strictest = Verdict.HOLD
        if strictest is Verdict.ALLOW:
            return Judgement(Verdict.ALLOW, text)
        why = next(finding.why for finding in findings if finding.verdict is strictest)
        if strictest is Verdict.DROP:
            return Judgement(Verdict.DROP, "", why)
        return Judgement(strictest, _hide(text, findings, mask), why)

    def _detected(self, shown: Plain) -> Iterator[Finding]:
        """What the detectors that name a slice have found, each under its policy."""
        policy = self._policy
        for setting, slices in (
            (policy.urls, addresses),
            (policy.personal, personal),
            (policy.injection, marks),
        ):
            if setting != "allow":
                for start, end, why in slices(shown.text):
                    yield Finding(start, end, Verdict(setting), why)

    def _of_the_whole(self, text: str, lead: str) -> list[Finding]:
        """What can be said of a text only as a whole. What she says gives the model no
        instructions: there only the marks count."""
        findings = []
        if self._policy.spam != "allow" and (why := spam(text)):
            findings.append(Finding(0, len(text), Verdict(self._policy.spam), why))
        if self._input and self._policy.injection != "allow":
            why, certain = orders(fold(text))
            if not why and lead and not orders(fold(lead))[0]:
                why, certain = orders(fold(lead + text))
            if why:
                verdict = Verdict(self._policy.injection)
                # what may be talk is for a person, not lost
                verdict = verdict if certain else min(verdict, Verdict.HOLD)
                findings.append(Finding(0, len(text), verdict, why))
        return findings


class _Classifying:
    """The classifier while it is there, and a HOLD for everything while it is not."""

    def __init__(self, directory: Path, limit: float) -> None:
        self._directory = directory
        self._limit = limit
        self._seen: tuple[int, int] | None = None
        self._classifier: Classifier | None = None
        self.problem = "the classifier: not loaded yet"

    def refresh(self) -> bool:
        """Load it if its model is new. Whether it was loaded."""
        try:
            status = (self._directory / MODEL).stat()
        except OSError as error:
            if self._classifier is None:
                self.problem = f"the classifier: {error}"
            return False
        seen = (status.st_mtime_ns, status.st_size)
        if seen == self._seen:
            return False
        self._seen = seen
        try:
            self._classifier = Classifier(self._directory, self._limit)
        except ClassifierError as error:
            self.problem = f"the classifier {self._directory}: {error}"
            return False
        self.problem = ""
        return True

    def judge(self, text: str) -> str | None:
        """Why a person must look at it, or None."""
        if self._classifier is None:
            return self.problem
        judgement = self._classifier.judge(text)
        return judgement.why if judgement.verdict is not Verdict.ALLOW else None


def _path(setting: str, bundled: Path) -> Path:
    return bundled if setting == "bundled" else Path(setting).expanduser()


def _within(found: list[Finding], shown: Plain, lead: int, length: int) -> list[Finding]:
    """Findings as slices of the text behind ``lead``, without those that end before it."""
    findings = []
    for finding in found:
        start, end = shown.source(finding.start, finding.end)
        if end > lead:
            start, end = max(start - lead, 0), min(end - lead, length)
            findings.append(Finding(start, end, finding.verdict, finding.why))
    findings.sort(key=lambda finding: finding.start)
    return findings


def _hide(text: str, findings: list[Finding], mask: str) -> str:
    """The text with every slice that is to be masked hidden, overlapping ones together."""
    spans: list[tuple[int, int]] = []
    for finding in sorted(findings, key=lambda finding: finding.start):
        if finding.verdict is not Verdict.MASK or finding.start >= finding.end:
            continue
        if spans and finding.start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(spans[-1][1], finding.end))
        else:
            spans.append((finding.start, finding.end))
    for start, end in reversed(spans):
        text = text[:start] + (mask or _stars(text[start:end])) + text[end:]
    return text


def _stars(text: str) -> str:
    """One star for each visible character; spaces stay."""
    return "".join(c if c.isspace() else "*" for c in text if c.isspace() or looks_like(c))
