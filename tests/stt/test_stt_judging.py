"""Unit: words compared, imagined words, her own voice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipc.config.stt import DoubtSection
from workers.stt.doubt import doubt
from workers.stt.echo import Echo, distance_within
from workers.stt.engine import Transcript
from workers.stt.whisper import compression
from workers.stt.words import agreed, spoken, words

LIMITS = DoubtSection()
S = 1_000_000_000
HERS = "I think the moon looks like a big slice of cheese tonight!"


@pytest.mark.parametrize(
    ("earlier", "later", "same"),
    [
        ("", "Hello", ""),
        ("Hello", "Hello", ""),  # it may become "Helloween"
        ("Hello there", "Hello there my friend", "Hello"),
        ("Hello there,", "hello There my", "hello"),
        ("The weather in the mount", "The weather in the mountains can", "The weather in the"),
        ("I like trains", "We like trains", ""),
    ],
)
def test_what_two_hearings_agree_on(earlier: str, later: str, same: str) -> None:
    assert agreed(earlier, later) == same


@given(st.text(max_size=60), st.text(max_size=60))
def test_what_is_agreed_begins_the_later_one(earlier: str, later: str) -> None:
    same = agreed(earlier, later)
    assert " ".join(later.split()).startswith(same)


def test_notes_are_not_words() -> None:
    assert spoken("[MUSIC] Hello (laughs) there *sighs* ♪ la la ♪") == "Hello there"
    assert words("It’s 7 o'clock — don't, PLEASE!") == ["it's", "7", "o'clock", "don't", "please"]


@pytest.mark.parametrize(
    ("transcript", "voiced_s", "reason"),
    [
        (Transcript("What do you think?", 0.02, -0.3), 1.2, ""),
        (Transcript("Yes.", 0.1, -0.4), 0.3, ""),
        (Transcript("No no no no no!", 0.05, -0.3), 1.5, ""),
        (Transcript("Thank you.", 0.01, -0.2), 0.6, ""),
        (Transcript(""), 1.0, "no words in it"),
        (Transcript(" . . . "), 1.0, "no words in it"),
        (Transcript("[MUSIC PLAYING]"), 1.0, "no words in it"),
        (Transcript("(keyboard clicking)"), 1.0, "no words in it"),
        (Transcript("So we went there", 0.8, -0.9), 2.0, "a noise"),
        (Transcript("So we went there", 0.8, -0.2), 2.0, ""),  # the words are sure
        (Transcript("Frob the gloop", 0.1, -1.5), 1.0, "not understood"),
        (Transcript("ha " * 40, 0.1, -0.1), 9.0, "the same words again and again"),
        (Transcript("oh my god " * 5, 0.1, -0.1), 9.0, "the same words again and again"),
        (Transcript("a b", 0.1, -0.1, 2.6), 1.0, "the same words again and again"),
        (
            Transcript("I would like to thank everybody who came here", 0.1, -0.3),
            0.2,
            "more words than the sound has room for",
        ),
        (Transcript("Thank you.", 0.3, -0.6), 0.4, "a phrase that noise is taken for"),
        (Transcript("Thanks for watching!", 0.3, -0.6), 0.9, "a phrase that noise is taken for"),
    ],
)
def test_imagined_words(transcript: Transcript, voiced_s: float, reason: str) -> None:
    assert doubt(transcript, voiced_s, LIMITS) == reason


def test_repetition_packs_well() -> None:
    assert compression("and then " * 30) > 2.4
    assert compression("The weather in the mountains can change within an hour.") < 1.5
    assert compression("") == 1.0


def test_her_own_words_are_hers() -> None:
    echo = Echo()
    echo.playing(HERS, 100 * S)
    for heard in (
        HERS,
        "the moon looks like a big slice",
        "I sink the moon looks like a pig slice of trees tonight",
        "I think the moon",
        "cheese",
    ):
        assert echo.is_hers(heard, 101 * S, 104 * S), heard


def test_a_persons_words_are_not_hers() -> None:
    echo = Echo()
    echo.playing(HERS, 100 * S)
    for heard in (
        "Stop talking please",
        "What do you think about this game?",
        "No wait, that is wrong",
        "stop",
        "yes",
    ):
        assert not echo.is_hers(heard, 101 * S, 104 * S), heard


def test_what_she_said_before_may_be_said_by_a_person_now() -> None:
    echo = Echo()
    echo.playing(HERS, 100 * S)
    assert echo.audible(104 * S, 105 * S)
    assert not echo.audible(120 * S, 121 * S)
    assert not echo.is_hers(HERS, 120 * S, 124 * S)
    assert not echo.is_hers(HERS, 90 * S, 95 * S)


def test_an_echo_across_two_clauses() -> None:
    echo = Echo()
    echo.playing("Well, hello there everybody,", 100 * S)
    echo.playing("it is so good to see you again.", 102 * S)
    assert echo.is_hers("there everybody it is so good to", 100 * S, 104 * S)


def test_nothing_is_kept_for_ever() -> None:
    echo = Echo()
    for minute in range(10_000):
        echo.playing(HERS, minute * 60 * S)
    assert len(echo._played) <= 64


@pytest.mark.parametrize(
    ("text", "longer", "edits"),
    [
        ("abc", "xxabcxx", 0),
        ("abc", "xxabxcxx", 1),
        ("abc", "", 3),
        ("", "abc", 0),
        ("aXc", "abc", 1),
        ("abc", "zzz", 3),
    ],
)
def test_edits_to_a_stretch(text: str, longer: str, edits: int) -> None:
    assert distance_within(text, longer) == edits


@given(st.text("ab", max_size=6), st.text("ab", max_size=8))
def test_edits_are_the_fewest(text: str, longer: str) -> None:
    """Against every stretch, one by one."""

    def plain(one: str, other: str) -> int:
        row = list(range(len(other) + 1))
        for i, a in enumerate(one, 1):
            new = [i]
            for j, b in enumerate(other, 1):
                new.append(min(row[j] + 1, new[-1] + 1, row[j - 1] + (a != b)))
            row = new
        return row[-1]

    stretches = [longer[i:j] for i in range(len(longer) + 1) for j in range(i, len(longer) + 1)]
    assert distance_within(text, longer) == min(plain(text, s) for s in stretches)
