"""Cutting a token stream into clauses, and keeping tags, actions and thinking out of speech."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.director.clauses import ClauseSplitter
from workers.director.speech import caption_text, heard_text, speech_text
from workers.director.tags import Emotion, TagFilter

ALPHABET = st.sampled_from(
    [*"abcIXé .,!?;:—…\n\"')[]<>*_-/1239|", "think", "</think>", "<think>", "[happy]", "*waves*",
     "Dr.", "e.g.", "https://x.y/z", "你好", "。", "、", "😀", "   ", "**", "word "]
)  # fmt: skip
TEXT = st.lists(ALPHABET, max_size=60).map("".join)


def split(tokens: list[str], first: int = 3, most: int = 9) -> list[str]:
    splitter = ClauseSplitter(first, most)
    pieces = [piece for token in tokens for piece in splitter.feed(token)]
    return [piece.text for piece in pieces + splitter.finish()]


def clean(tokens: list[str]) -> str:
    tags = TagFilter()
    items = [item for token in tokens for item in tags.feed(token)] + tags.finish()
    return "".join(item for item in items if isinstance(item, str))


@st.composite
def cut_text(draw: st.DrawFn) -> tuple[str, list[str]]:
    text = draw(TEXT)
    places = sorted(draw(st.sets(st.integers(0, len(text)), max_size=20)))
    ends = [*places, len(text)]
    return text, [text[a:b] for a, b in zip([0, *places], ends, strict=True)]


@settings(max_examples=400, deadline=None)
@given(cut_text())
def test_nothing_is_lost_whatever_the_tokens(case: tuple[str, list[str]]) -> None:
    text, tokens = case
    assert clean(tokens) == clean([text])
    assert "".join(split(tokens)) == clean([text])
    assert all(split(tokens))


@settings(max_examples=300, deadline=None)
@given(cut_text())
def test_clauses_do_not_depend_on_tokens_that_end_elsewhere(case: tuple[str, list[str]]) -> None:
    """Only a token that ends on punctuation can decide a cut early."""
    text, tokens = case
    joined: list[str] = []
    for token in tokens:
        if joined and not joined[-1][-1:].isalnum() and joined[-1][-1:] != " ":
            joined[-1] += token
        else:
            joined.append(token)
    plain = not any(mark in text for mark in "[]<>*")  # a tag may hide the next character
    if plain:
        assert split(joined) == split([text])


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(["yes. ", "no, ", "and so on ", "3.5 ", "!? "]), max_size=12),
       st.sampled_from(["<think>SECRET. plan</think>", "*SECRET wave*", "[SECRET]",
                        "<thinking>SECRET</thinking>", "<|SECRET|>", "[SECRET thing]"]),
       st.integers(0, 12), st.integers(1, 7))  # fmt: skip
def test_nothing_tagged_is_ever_spoken(words: list[str], tag: str, at: int, size: int) -> None:
    text = "".join(words[:at]) + tag + "".join(words[at:])
    tokens = [text[i : i + size] for i in range(0, len(text), size)]
    assert "secret" not in "".join(split(tokens)).lower()


@pytest.mark.parametrize(
    ("tokens", "clauses"),
    [
        (["Hello there my friend", ",", " how are you", "?"],
         ["Hello there my friend,", " how are you?"]),
        (["One two three four five six seven eight nine", " ten"],
         ["One two three four five six seven eight nine ", "ten"]),
        (["It costs about 3", ".", "5 dollars", ". ", "Yes."],
         ["It costs about 3.5 dollars.", " Yes."]),
        (["Well I met Dr", ".", " Smith and J", ".", " Doe", ".", " Nice", "!"],
         ["Well I met Dr. Smith and J. Doe.", " Nice!"]),
        (["We use tools e.g. a saw in the U.S. army", ".", " Ok", "."],
         ["We use tools e.g. a saw in the U.S. ", "army.", " Ok."]),
        (['He said to me "go now." ', "Then he left", "."],
         ['He said to me "go now." ', "Then he left."]),
        (["Please do look at https://a.b/c?d=e.f, now", "."],
         ["Please do look at https://a.b/c?d=e.f,", " now."]),
        (["Hmm I do not know... maybe", "."], ["Hmm I do not know... ", "maybe."]),
        (["こんにちは、みなさん。今日はいい天気ですね。"],
         ["こんにちは、みなさん。", "今日はいい天気ですね。"]),
        (["I really do", " and so do I", ". ", "Good", "."],
         ["I really do and so do I.", " Good."]),
        (["n", ".", " o", ".", " w", ".", " n", ".", " o", ".", " w", ". Now", "."],
         ["n. o. w. n. o. w. Now."]),
        (["That is all I do", ".", " o", "!", " k", "! Yes", "!", " 3. 2. 1. Go", "!", " It is me"],
         ["That is all I do.", "o! k! Yes!", "3. 2. 1. Go!", "It is me"]),
        (["It is already 10", ":", "30 now", ". Ok", "."], ["It is already 10:30 now. ", "Ok."]),
    ],
)  # fmt: skip
def test_where_clauses_end(tokens: list[str], clauses: list[str]) -> None:
    found = split(tokens)
    assert [piece.strip() for piece in found if piece.strip()] == [c.strip() for c in clauses]


def test_full_stop_after_a_letter_cuts_without_the_next_token() -> None:
    splitter = ClauseSplitter()
    assert not splitter.feed("I like this")
    assert [piece.text for piece in splitter.feed(".")] == ["I like this."]
    assert not splitter.feed(" It is version 3")
    assert not splitter.feed(".")
    assert [piece.text for piece in splitter.feed(" Yes")] == [" It is version 3. "]


def test_a_very_long_sentence_is_cut_at_a_comma_or_a_word() -> None:
    text = "Well then, " + "word " * 20 + "so, " + "more " * 60
    lengths = [len(piece.split()) for piece in split([text])]
    assert max(lengths) <= 25
    assert sum(lengths) == len(text.split())


def test_emotions_go_with_the_clause_they_stand_in() -> None:
    splitter = ClauseSplitter()
    pieces = (
        splitter.feed("[Happy] I am so glad! ") + splitter.feed("[sa") + splitter.feed("d] Bye")
    )
    assert [(p.text.strip(), p.emotion) for p in pieces + splitter.finish()] == [
        ("I am so glad!", "happy"),
        ("Bye", "sad"),
    ]
    assert TagFilter().feed("[Smug]") == [Emotion("smug")]


def test_brackets_that_are_no_tags_stay() -> None:
    assert clean(["a [1] b < c 3 * 4 **bold** [x"]) == "a [1] b < c 3  4 bold "


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=80))
def test_speech_has_no_markup_and_no_emoji(text: str) -> None:
    said = speech_text(caption_text(text))
    assert not set(said) & set("*_`~#|<>\\^{}[]\u200d\ufe0f\n\t😀")
    assert said == "" or any(char.isalnum() for char in said)


@pytest.mark.parametrize(
    ("text", "caption", "speech"),
    [
        (" **Hi**  there 😀 ", "Hi there 😀", "Hi there"),
        ("See https://x.y/z now.", "See https://x.y/z now.", "See the link now."),
        ("😀😀", "😀😀", ""),
        (" ... ", "", ""),
        ("# Title\n- one", "Title one", "Title one"),
        ('She said "no".', 'She said "no".', "She said no."),
        ("a\x00b\x1b[31m", "a b [31m", "a b 31m"),
    ],
)
def test_caption_and_speech(text: str, caption: str, speech: str) -> None:
    assert caption_text(text) == caption
    assert speech_text(caption) == speech


@given(st.text(max_size=60), st.floats(0, 1))
def test_heard_text_is_a_beginning_made_of_whole_words(text: str, heard: float) -> None:
    words, all_words = heard_text(text, heard).split(), text.split()
    assert words == all_words[: len(words)]
    assert heard_text(text, 1.0) == text
    assert heard_text(text, 0.0) == ""
