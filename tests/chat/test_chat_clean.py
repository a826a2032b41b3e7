"""Cleaning of chat lines."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.chat.clean import AUTHOR_CHARS, _visible, clean, clean_author


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("  hello   there ", "hello there"),
        ("one\ntwo\r\nthree\u2028four\x85five", "one two three four five"),
        ("a\x00b\x07c\x1b[31md\x9be", "abc[31mde"),
        ("\u202eevil\u202c \u2066x\u2069", "evil x"),
        ("zero\u200bwidth\ufeff\u2060", "zerowidth"),
        ("e\u0301", "\u00e9"),
        ("[red]not markup[/red] <b>", "[red]not markup[/red] <b>"),
        ("\U0001f469\u200d\U0001f680 up", "\U0001f469\u200d\U0001f680 up"),
        ("\u2764\ufe0f\u200d\U0001f525", "\u2764\ufe0f\u200d\U0001f525"),
        ("a\u200db", "ab"),
        ("Z" + "\u0334" * 50, "Z" + "\u0334" * 8),
        ("こんにちは　世界", "こんにちは 世界"),
        ("\u200b \t\x07", ""),
        ("\ud800x", "x"),
        ("", ""),
    ],
)
def test_examples(raw: str, text: str) -> None:
    assert clean(raw, 500).text == text
    assert not clean(raw, 500).cut


@pytest.mark.parametrize(
    ("raw", "limit", "text"),
    [
        ("abcdef", 4, "abcd"),
        ("abc def", 4, "abc"),
        ("ab\U0001f469\u200d\U0001f680", 4, "ab"),
        ("a\U0001f44d\U0001f3fd", 2, "a"),
        ("a\U0001f1e9\U0001f1ea\U0001f1eb\U0001f1f7", 4, "a\U0001f1e9\U0001f1ea"),
        ("ax\u0334", 2, "a"),
    ],
)
def test_a_cut_splits_nothing_that_is_drawn_as_one(raw: str, limit: int, text: str) -> None:
    assert clean(raw, limit).text == text
    assert clean(raw, limit).cut


def test_a_line_of_100_kb_is_cut() -> None:
    cleaned = clean("spam " * 20_000, 500)
    assert cleaned.cut
    assert 490 <= len(cleaned.text) <= 500


def test_author() -> None:
    assert clean_author("  mira\u202e ") == "mira"
    assert clean_author("\u200b") == "viewer"
    assert len(clean_author("x" * 100)) == AUTHOR_CHARS


@given(st.text(), st.integers(1, 60))
def test_what_comes_out_is_bounded_visible_and_stable(raw: str, limit: int) -> None:
    text = clean(raw, limit).text
    assert len(text) <= limit
    assert text == text.strip()
    assert not any(unicodedata.category(c) in ("Cc", "Cs", "Co", "Cn") for c in text)
    assert not any(unicodedata.category(c) == "Cf" and c != "\u200d" for c in text)
    assert "  " not in text
    assert clean(text, limit).text == text


@given(
    st.text(st.one_of(st.characters(), st.sampled_from("ab \u0301\u0334\ufe0f\u200d👩😀\u3000")))
)
def test_the_quick_way_is_no_other_way(raw: str) -> None:
    """Most lines need not be looked at letter by letter; what comes out must not differ."""
    slow = " ".join(_visible(unicodedata.normalize("NFC", raw)).split())
    assert clean(raw, 10_000).text == slow
