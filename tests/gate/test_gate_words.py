"""What counts as an entry of the word list, however it is dressed up, and what does not."""

from __future__ import annotations

import pytest

from workers.gate.entries import ListError, parse_allowed, parse_words
from workers.gate.fold import plain
from workers.gate.verdict import Verdict
from workers.gate.words import WordList

LIST = parse_words("""
ass
*fuck*
shit
slut
bitch
=dick
rape
pussy
whore
=1488
nigger*
*twat
drop: kill yourself
mask: kiss my ring
darkie
tit
loli
лох
naïve
傻逼
b00b
""")
ALLOWED = parse_allowed("Mother Fuckley  # a name\nBrightwat\nbastwat\n")


def entries_in(text: str) -> set[str]:
    """The entries found, as the list has them."""
    return {finding.why for finding in WordList(LIST).allowing(ALLOWED).find(plain(text).letters)}


@pytest.mark.parametrize(
    "text",
    """
    ass|ASS!|a s s|a.s.s|a-s_s|@$$|@$$!|(@$$)|a55|@ss|ａｓｓ|a\u200bss|a\u00adss|аѕѕ|αss|aaasssss|
    ä̈s̈s̈|asses|ass's|a ss|as.s|𝖆𝖘𝖘|🅰ss|ⓐⓢⓢ|ass123|a🔥s🔥s|a'ss|a*s
    """.replace("\n", "")
    .replace("    ", "")
    .split("|"),
)
def test_one_word_in_many_dresses(text: str) -> None:
    assert entries_in(text) == {"ass"}


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        ("5h1t", "shit"),
        ("$h!t", "shit"),
        ("sh|t", "shit"),
        ("shlt", "shit"),
        ("shitting", "shit"),
        ("s hit", "shit"),
        ("it s h i t", "shit"),
        ("sh*t", "shit"),
        ("sIut", "slut"),  # capital i
        ("s1ut", "slut"),
        ("b!+ch", "bitch"),
        ("bi7ch3s", "bitch"),
        ("phuck", "fuck"),
        ("phvck", "fuck"),
        ("f(_)ck u f u c k", "fuck"),
        ("clusterfuckery", "fuck"),
        ("m0therfuckers", "fuck"),
        ("fu cking", "fuck"),
        ("f u u u u u u u c k", "fuck"),
        ("a a a a a a s s", "ass"),
        ("f**k", "fuck"),
        ("fффck fück", "fuck"),
        ("raping", "rape"),
        ("raped", "rape"),
        ("rapes", "rape"),
        ("pussies", "pussy"),
        ("vvhore", "whore"),
        ("wh()re", "whore"),
        ("KISS-MY-RING", "kiss my ring"),
        ("kissmyring", "kiss my ring"),
        ("ki$$ my r1ng", "kiss my ring"),
        ("kill... yourself", "kill yourself"),
        ("k1ll your self", "kill yourself"),
        ("k i l l yourself", "kill yourself"),
        ("n1gg3rs", "nigger"),
        ("saltwat", "twat"),
        ("1488", "1488"),
        ("1 4 8 8", "1488"),
        ("ЛОХ", "лох"),
        ("how naive", "naïve"),
        ("你是傻逼吗", "傻逼"),
        ("boobs", "b00b"),
        ("cu𐔓t fu𐔓k", "fuck"),  # a letter of a script nobody writes
    ],
)
def test_entries_are_found(text: str, entry: str) -> None:
    assert entry in entries_in(text)


@pytest.mark.parametrize(
    "text",
    [
        "classic assassin in glasses",
        "pass the grass to the bass",
        "asset, assume, embassy",
        "as is, as S tier, a S tier",
        "is hit, this hit, push it",
        "it s hit or miss, he s hit",
        "who re-did it",
        "dickens, Dickinson",
        "rapper, rapping, grape, drape, trapeze",
        "Nigeria, niger, snigger",
        "her kid was hit, I see",
        "2018, 455, $455, 14880, 11488",
        "he'll be what she'll be",
        "kill the boss yourself",
        "tilt, silt, lute, darkly, badly, loll",
        "Mother Fuckley",
        "bastwats",
        "god is good",
        "",
        "!!! ??? ...",
        "*** ** *",
        "5*3 = 15, #1",
    ],
)
def test_the_innocent_are_left_alone(text: str) -> None:
    assert not entries_in(text)


def test_an_allowed_phrase_is_innocent_only_as_a_whole() -> None:
    assert entries_in("Mother Fuckley, you fuckley") == {"fuck"}


SLIPS = WordList(parse_words("drop: tranquil\nmask: serenade\ndrop: =homeland\ndrop: oboe\n"))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("tarnquil", True), ("tranqiul", True), ("tranquli", True), ("tr4nqiul", True),
        ("tranqiuls", True), ("trnquil", True),
        ("rtanquil", False),  # the first letter stays
        ("tranqul", False), ("tranquil5", True), ("tranuil", False),  # consonants stay
        ("tarnqiul", False),  # twice
        ("serneade", False),  # not dropped
        ("hoemland", False),  # the entry is for itself only
        ("oobe", False),  # too short
    ],
)  # fmt: skip
def test_one_slip_in_a_long_word_that_is_dropped(text: str, found: bool) -> None:
    assert bool(SLIPS.find(plain(text).letters)) is found


def test_inflections_are_found_behind_stars() -> None:
    assert entries_in("f**king sl*ts wh*res") == {"fuck", "slut", "whore"}
    assert not entries_in("d*cking n*ggish")


def test_words_of_the_same_letters_are_entries_of_their_own() -> None:
    entries = parse_words("drop: never more\nhold: nevermore\n")
    assert {f.verdict for f in WordList(entries).find(plain("never more").letters)} == {
        Verdict.DROP,
        Verdict.HOLD,
    }


def test_exact_entries_have_no_inflections() -> None:
    assert entries_in("dick") == {"dick"}
    assert not entries_in("dicky dicker dicking")


@pytest.mark.parametrize(
    "line",
    ["blurt: word", "mask:", "drop: !!!", "f*ck", "*s*", "=***"],
)
def test_a_line_that_cannot_be_read_is_named(line: str) -> None:
    with pytest.raises(ListError, match="line 2"):
        parse_words(f"fine\n{line}\n")


def test_the_stricter_of_two_entries_counts() -> None:
    for text in ("drop: word\nmask: word", "mask: word\ndrop: word", "hold: word\nDROP: Word"):
        assert [entry.verdict for entry in parse_words(text)] == [Verdict.DROP]


def test_a_byte_order_mark_and_dos_line_ends_are_no_part_of_an_entry() -> None:
    assert [entry.letters for entry in parse_words("\ufeffone\r\ntwo\r\n")] == ["one", "two"]


def test_thousands_of_entries_are_kept_apart() -> None:
    many = WordList([*parse_words("\n".join(f"entry{n}x" for n in range(5000))), *LIST])
    assert len(many) == 5000 + len(LIST)
    assert {f.why for f in many.find(plain("entry4999x and sh1t").letters)} == {
        "entry4999x",
        "shit",
    }
