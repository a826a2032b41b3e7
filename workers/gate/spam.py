"""What is no talk: walls, paintings, stacked marks, lines without end."""

from __future__ import annotations

import re

_WALL = 40  # of one character; a long "nooooo" is ordinary
_WALL_SHARE = 0.85
_WALL_LINE = 32
_PAINTED = 12
_SYMBOLS = 24
_UNBROKEN = 90  # the longest words people write are shorter, and addresses are found elsewhere
_RUN = re.compile(rf"([^\s*])\1{{{_WALL - 1},}}")
_PAINT = re.compile("[\u2500-\u259f\u25a0-\u25ff\u2800-\u28ff\u3164\u115f\u1160\uffa0]")
_STACKED = re.compile("[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20f0]{4,}")
_MARK = re.compile("[\u0300-\u036f\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20f0]")
_UNBROKEN_RUN = re.compile(rf"[!-~]{{{_UNBROKEN},}}")
_ASCII_SIGNS = re.compile(r"[!-)+-/:-@\[-`{-~]")  # without "*": that is what hidden words become


def spam(source: str) -> str:
    """Why a line (as written) is no talk: a wall, a painting, signs only. "" if it is talk."""
    if len(source) < _PAINTED:
        return "stacked marks" if len(source) > 4 and _STACKED.search(source) else ""
    if not source.isascii():
        if _STACKED.search(source) or len(_MARK.findall(source)) > max(8, len(source) // 3):
            return "stacked marks"
        if len(_PAINT.findall(source)) >= _PAINTED:
            return "a painting"
    if len(source) < _SYMBOLS:
        return ""
    if len(source) >= _WALL and any(not _picture(run[0]) for run in _RUN.findall(source)):
        return "a wall of one character"
    solid = "".join(source.lower().split())
    if len(solid) >= _WALL_LINE and not _picture(solid[0]):
        most = max((solid.count(char) for char in set(solid[:64]) - {"*"}), default=0)
        if most >= _WALL_SHARE * len(solid):
            return "a wall of one character"
    if len(_ASCII_SIGNS.findall(solid)) == len(solid.replace("*", "")) >= _SYMBOLS:
        return "signs only"
    unbroken = _UNBROKEN_RUN.search(source)
    if unbroken and "://" not in unbroken.group() and unbroken.group().strip("*"):
        return "no word ends"
    return ""


def _picture(char: str) -> bool:
    """Whether it is an emoji, of which people like to write many."""
    return ord(char) >= 0x2600 and not char.isalnum()
