"""Addresses of web pages, written or spelled."""

from __future__ import annotations

import re
from collections.abc import Iterator

from workers.gate.verdict import Slice

# enough to be an address by themselves; the second row are words, too ("do it.so he did")
_TLD = (
    "com|net|org|info|biz|dev|app|io|tv|xyz|gg|ru|de|uk|fr|nl|pl|eu|ca|au|jp|cn|br|edu|gov|"
    "club|shop|store|online|site|live|stream|link|click|porn|sex|xxx|onion|art|games|chat"
)
_LOOSE_TLD = "me|ly|be|to|cc|us|co|is|it|in|so|at|am|fm|ai|sh|gl|id|my|pm|im|su|ws|ms|page|top|fun"
_LABEL = r"[^\W_](?:[\w-]{0,61}[^\W_])?"
_HOST = rf"(?<![\w.-])(?:{_LABEL}\.){{1,6}}"
_SPELLED_DOT = r"\ ?[\[({<]\ ?(?:dot|\.)\ ?[\])}>]\ ?"
# "gg" is also what is said after a game
_BEHIND_GG = "(?:wp|gg|ez|all|and|guys|everyone|chat|to|you|u|for|it|that|is|was|lol|go|the|my|so)"
_URL = re.compile(
    rf"""
    [a-z][a-z0-9+.-]{{1,9}}://\S+
    | www\.{_LABEL}\.\S+
    | {_HOST}(?:{_TLD})(?::\d+)?(?:[/?\#]\S*)?(?![\w-]|\.[^\W_])
    | {_HOST}(?:{_LOOSE_TLD}|{_TLD})/[^\s/]\S*
    | (?<![\w-]){_LABEL}{_SPELLED_DOT}(?:{_TLD}|{_LOOSE_TLD})\b(?:\ ?/\S+)?
    | (?<![\w-]){_LABEL}\ dot\ (?:com|net|org|gg|tv|io|ru|xyz|de|uk)\b(?:\ slash\ \S+|/\S+)?
    | (?<![\w-]){_LABEL}(?:\ \.\ ?|\.\ )(?:com|net|org)\b(?:/\S+)?
    | (?<![\w-])www[ .]\ ?{_LABEL}[ .]\ ?(?:{_TLD}|{_LOOSE_TLD})\b(?:[ /]\S+)?
    | (?<![\w-])discord\ gg[ /](?!{_BEHIND_GG}\b)\w{{2,}}
    """,
    re.VERBOSE,
)
_NOT_A_HOST = frozenset(
    ["the", "a", "polka", "this", "that", "every", "connect", "me", "us", "it", "him", "her"]
)
_LONGEST_URL_TEXT = 2000  # patterns with repetition are not run on more


def addresses(text: str) -> Iterator[Slice]:
    """Addresses of web pages, with or without ``https://``, and spelled (``x dot com``)."""
    if not any(sign in text for sign in (".", "dot", "://", "www ", "discord gg")):
        return
    for found in _URL.finditer(text[:_LONGEST_URL_TEXT]):
        host = found.group().partition(" ")[0]
        if " dot " in found.group() and host in _NOT_A_HOST:
            continue
        yield *found.span(), "a web address"
