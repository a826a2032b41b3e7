"""The plain form of text, the way back to its source, and the form of a whole line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.gate import fold
from workers.gate.fold import plain


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Hello", "hello"),
        ("ＨＥＬＬＯ", "hello"),
        ("𝓱𝓮𝓵𝓵𝓸", "hello"),
        ("ⓗⓔⓛⓛⓞ", "hello"),
        ("🄷🅴🅻🅻🅾", "hello"),
        ("🇭🇪🇱🇱🇴", "hello"),
        ("h\u0301e\u0308l\u20ddl\u0336o", "hello"),
        ("h\u200be\u00adl\u2060l\ufeffo", "hello"),
        ("НЕllО", "hello"),  # Cyrillic
        ("ħɇłłø", "hello"),
        ("ʜᴇʟʟᴏ", "hello"),
        ("hǝllo", "hello"),
        ("٣ ३ ３ ③", "3 3 3 3"),
        ("ﬁn", "fin"),
        ("a\tb\nc", "a b c"),
        ("™ ©", "   "),
    ],
)
def test_plain_is_what_a_reader_sees(text: str, shown: str) -> None:
    assert plain(text).text == shown


def test_slices_lead_back_to_the_source_with_their_marks() -> None:
    source = "ab\u0301\u0336cﬁ\u200bd"
    shown = plain(source)
    assert shown.text == "abcfid"
    assert source[slice(*shown.source(1, 2))] == "b\u0301\u0336"
    assert source[slice(*shown.source(3, 4))] == "ﬁ\u200b"  # half of a ligature is all of it
    assert shown.source(0, len(shown.text)) == (0, len(source))


@given(st.text(max_size=80), st.data())
def test_positions_stay_inside_the_source(text: str, data: st.DataObject) -> None:
    shown = plain(text)
    assert len(shown.letters) == len(shown.text)
    start = data.draw(st.integers(0, len(shown.text)))
    end = data.draw(st.integers(start, len(shown.text)))
    first, last = shown.source(start, end)
    assert 0 <= first <= last <= len(text)
    assert first < last or start == end


@pytest.mark.parametrize(
    "copy",
    [
        "PLAY  the Game!!!",
        "plaaay the game",
        "p\u200blay thé game",
        "рlay the gаme",
        "pl4y the g@me",
    ],
)
def test_copies_in_another_dress_fold_to_the_same(copy: str) -> None:
    assert fold(copy) == "play the game"


def test_numbers_and_different_lines_stay_apart() -> None:
    assert fold("100") != fold("1000")
    assert fold("vote 1") != fold("vote 11")
    assert fold("play the game") != fold("pay the game")
    assert fold("don't") == fold("dont")
    assert fold("😀😀😀") == fold("😀") == "😀"
    assert fold("😀") != fold("🙃")
    assert fold("") == ""


@given(st.text(max_size=200))
def test_folding_twice_changes_nothing_more(text: str) -> None:
    assert fold(fold(text)) == fold(text)
