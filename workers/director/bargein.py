"""Who speaks now, and whether they mean it. Pure: what was heard and the time in, answers out.

A noise becomes an utterance, an utterance gets words, and with enough of them it *goes on*:
only then is it given way to. A source may begin its next one before the words of the last are
known.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ipc.config import SpeechSection

_FOLLOWED = 16  # utterances at once; beyond that the one heard of first is let go
_OVER = 64  # utterances that are known to be over
_LATEST_NS = 5_000_000_000  # a voice that began longer before we were told did so by a wrong clock
_WORD = re.compile(r"\w+(?:['’]\w+)*")
_RUN = re.compile(r"(\w)\1+")  # hmmm
_LAUGH = re.compile(r"(\w\w)\1+\w?")  # hahaha
_SENTENCE_ENDS = (".", "!", "?", "…", "。", "！", "？")
_STEADY = 2  # partials with the same words that make a finished sentence steady ...
_PAUSED = 3  # ... and any words: nothing was added for that long


def words_of(text: str) -> list[str]:
    """The words of ``text``, to be compared with others'."""
    return [word.replace("’", "'") for word in _WORD.findall(text.casefold())]


class Telling:
    """Tells words from sounds that only show that somebody listens."""

    def __init__(self, listening: Iterable[str]) -> None:
        self._only = {_plain(word) for sound in listening for word in words_of(sound)}

    def count(self, text: str) -> int:
        """How many words of ``text`` say something."""
        return sum(_plain(word) not in self._only for word in words_of(text))


@dataclass(slots=True, eq=False)
class Utterance:
    """One stretch of speech of one source."""

    source: str
    number: int
    began_ns: int  # when the voice began
    since_ns: int  # when we were told
    text: str = ""  # as far as it is known
    words: int = 0  # of it, those that say something
    same: int = 0  # how often in a row the words were the same
    paused: bool = False  # the voice has, since these words
    drafts: int = 0  # replies begun before it was over
    overdue: bool = False  # it has been given way to for long enough

    @property
    def steady(self) -> bool:
        """Whether these may well be all its words."""
        ends = self.text.rstrip("\"'”’) ").endswith(_SENTENCE_ENDS)
        return self.paused or self.same >= (_STEADY if ends else _PAUSED)


_Key = tuple[str, int]  # source and number


class Floor:
    """Tell it what was heard, and call ``advance`` when time has passed."""

    def __init__(self, settings: SpeechSection) -> None:
        self._min_words = settings.min_words
        self._min_speech_ns = int(settings.min_speech_s * 1e9)
        self._after_ns = int(settings.after_s * 1e9)
        self._max_wait_ns = int(settings.max_wait_s * 1e9)
        self.telling = Telling(settings.listening)
        self._known: dict[_Key, Utterance] = {}
        self._over: dict[_Key, None] = {}  # the last ones
        self._taken_ns = 0  # since when somebody speaks without a pause
        self.chat_from_ns = 0  # a person may not be done yet: chat waits until then

    # --- what was heard ---

    def started(self, source: str, number: int, at_ns: int, now_ns: int) -> Utterance:
        """Somebody speaks."""
        key = (source, number)
        began_ns = at_ns if now_ns - _LATEST_NS <= at_ns <= now_ns else now_ns
        if not self.taken:
            self._taken_ns = now_ns
        self._known.pop(key, None)
        self._over.pop(key, None)  # a source that comes back may count from the beginning
        if len(self._known) >= _FOLLOWED:
            del self._known[next(iter(self._known))]
        new = self._known[key] = Utterance(source, number, began_ns, now_ns)
        return new

    def partial(
        self,
        source: str,
        number: int,
        text: str,
        stable: str,
        now_ns: int,
        *,
        paused: bool = False,
    ) -> Utterance | None:
        """The words so far. None if that utterance is over."""
        if (source, number) in self._over:
            return None
        known = self._known.get((source, number))
        if known is None:  # its start was lost
            known = self.started(source, number, now_ns, now_ns)
        words = words_of(text)
        agreed = bool(words) and words_of(stable) == words
        known.same = max(known.same + 1 if words == words_of(known.text) else 1, 2 * agreed)
        known.paused = paused
        self._say(known, text)
        return known

    def final(
        self, source: str, number: int, text: str, started_ns: int, now_ns: int
    ) -> Utterance | None:
        """All its words. None if that utterance was over already."""
        if (source, number) in self._over:
            return None
        known = self._known.get((source, number))
        if known is None:
            known = self.started(source, number, started_ns, now_ns)
        self._say(known, text)
        self._end(known, now_ns)
        return known

    def ignored(self, source: str, number: int, now_ns: int) -> Utterance | None:
        """It was no speech. None if nobody had heard of it."""
        known = self._known.get((source, number))
        if known is not None:
            self._end(known, now_ns)
        return known

    def lost(self, now_ns: int) -> None:
        """Nobody listens any more: who spoke has ended, and numbers begin anew."""
        for known in list(self._known.values()):
            self._end(known, now_ns)
        self._over.clear()

    def advance(self, now_ns: int) -> None:
        """Who has been given way to for too long, others talking in between or not, is not any
        longer; whoever begins after that is."""
        if self.taken and now_ns - self._taken_ns >= self._max_wait_ns:
            for known in self._known.values():
                known.overdue = True

    # --- answers ---

    @property
    def speaking(self) -> list[Utterance]:
        """Whom she gives way to."""
        return [known for known in self._known.values() if not known.overdue]

    @property
    def taken(self) -> bool:
        return any(not known.overdue for known in self._known.values())

    def goes_on(self, utterance: Utterance, until_ns: int) -> bool:
        """Whether it is more than a noise or a word in passing."""
        if utterance.words >= self._min_words:
            return True
        long = until_ns - utterance.began_ns >= self._min_speech_ns
        return utterance.words > 0 and long

    def wake_ns(self, now_ns: int) -> int | None:
        """When the answers may change by themselves."""
        times = [self.chat_from_ns]
        if self.taken:
            times.append(self._taken_ns + self._max_wait_ns)
        times += [
            known.began_ns + self._min_speech_ns for known in self._known.values() if known.words
        ]
        return min((at for at in times if at > now_ns), default=None)

    # --- inside ---

    def _say(self, known: Utterance, text: str) -> None:
        known.text, known.words = text, self.telling.count(text)

    def _end(self, known: Utterance, now_ns: int) -> None:
        key = (known.source, known.number)
        del self._known[key]
        self._over[key] = None
        if len(self._over) > _OVER:
            del self._over[next(iter(self._over))]
        if known.words:
            self.chat_from_ns = now_ns + self._after_ns


def _plain(word: str) -> str:
    return _LAUGH.sub(r"\1\1", _RUN.sub(r"\1", word))
