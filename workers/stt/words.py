"""Words as they are compared. Pure."""

from __future__ import annotations

import re
import unicodedata

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_MARKED = re.compile(r"[\[(*♪♫][^\])*♪♫]*[\])*♪♫]|[♪♫]+")  # [MUSIC], (laughs), *sighs*, ♪ la ♪


def spoken(text: str) -> str:
    """Without what the model only notes: [MUSIC], (laughs), notes of music."""
    return " ".join(_MARKED.sub(" ", text).split())


def words(text: str) -> list[str]:
    """Lower case, without marks and punctuation."""
    plain = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")
    return _WORD.findall(plain)


def agreed(earlier: str, later: str) -> str:
    """The beginning of ``later``, in whole words, that ``earlier`` has too.

    The last word the two share does not count if either stops there: it may still grow.
    """
    old, new = earlier.split(), later.split()
    same = 0
    for one, other in zip(old, new, strict=False):
        if words(one) != words(other):
            break
        same += 1
    if same == min(len(old), len(new)):
        same -= 1
    return " ".join(new[: max(0, same)])
