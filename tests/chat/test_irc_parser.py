"""The tokeniser: what the wire may carry, and that nothing it may carry raises."""

from __future__ import annotations

import irctokens
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.chat.twitch.irc_parser import Lines, Message, parse, parse_tags, unescape


@pytest.mark.parametrize(
    ("wire", "meant"),
    [
        (r"a\:b", "a;b"),
        (r"a\sb", "a b"),
        (r"a\\b", r"a\b"),
        (r"a\\sb", r"a\sb"),
        (r"\r\n", "\r\n"),
        (r"\b\x", "bx"),
        ("lone\\", "lone"),
        ("", ""),
    ],
)
def test_tag_values_are_unescaped(wire: str, meant: str) -> None:
    assert unescape(wire) == meant
    assert parse_tags(f"one=1;it={wire};last") == {"one": "1", "it": meant, "last": ""}


def test_tags_without_value_with_equal_signs_and_twice() -> None:
    assert parse_tags("a;b=;c=x=y;b=2") == {"a": "", "b": "2", "c": "x=y"}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("PING :tmi.twitch.tv", Message({}, "", "PING", ["tmi.twitch.tv"])),
        (":tmi.twitch.tv RECONNECT", Message({}, "tmi.twitch.tv", "RECONNECT", [])),
        (
            "@id=1 :a!a@a.tmi.twitch.tv PRIVMSG #c :one : two",
            Message({"id": "1"}, "a!a@a.tmi.twitch.tv", "PRIVMSG", ["#c", "one : two"]),
        ),
        (":a PRIVMSG #c bare", Message({}, "a", "PRIVMSG", ["#c", "bare"])),
        (":a PRIVMSG #c :", Message({}, "a", "PRIVMSG", ["#c", ""])),
        (":a  privmsg   #c  :  x", Message({}, "a", "PRIVMSG", ["#c", "  x"])),
        ("@t=1   :s   001 me :hi", Message({"t": "1"}, "s", "001", ["me", "hi"])),
        (":a PRIVMSG #c :\u2028\u3000", Message({}, "a", "PRIVMSG", ["#c", "\u2028\u3000"])),
    ],
)
def test_messages(line: str, message: Message) -> None:
    assert parse(line) == message


@pytest.mark.parametrize(
    "line", ["", " ", "@", "@a", "@a=1 ", ":", ":only", "@a :b", "ü x", "\x00"]
)
def test_what_is_no_message_is_none(line: str) -> None:
    assert parse(line) is None


_plain = st.text(
    st.characters(codec="utf-8", exclude_characters="\r\n\0", exclude_categories=("Cs",)),
    max_size=40,
)
_name = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=12)
_word = _plain.map(lambda text: text.replace(" ", "_")).filter(
    lambda text: text and not text.startswith(":")
)


@given(
    tags=st.dictionaries(_name, _plain, max_size=8),
    source=st.text("abc!@.", min_size=1, max_size=20),
    command=st.sampled_from(["PRIVMSG", "USERNOTICE", "001", "CLEARCHAT"]),
    middle=st.lists(_word, max_size=3),
    trailing=_plain,
)
def test_it_reads_as_another_tokeniser_does(
    tags: dict[str, str], source: str, command: str, middle: list[str], trailing: str
) -> None:
    line = irctokens.build(command, [*middle, trailing + " "], source, tags).format()
    theirs = irctokens.tokenise(line)
    ours = parse(line)
    assert ours is not None
    assert (ours.tags, ours.source, ours.command, ours.params) == (
        theirs.tags or {},
        theirs.source,
        theirs.command,
        theirs.params,
    )


@given(st.text(max_size=300))
def test_no_text_raises(line: str) -> None:
    parse(line)


@given(st.text("@;=\\:! #ab\x01\r\n\0ü", max_size=80))
def test_no_pile_of_delimiters_raises(line: str) -> None:
    parse(line)


@given(st.lists(st.binary(max_size=60), max_size=20))
def test_no_bytes_raise_and_memory_is_bounded(pieces: list[bytes]) -> None:
    lines = Lines(max_bytes=50)
    for piece in pieces:
        for line in lines.push(piece):
            parse(line)
        assert lines.unfinished <= 50


@given(st.lists(_plain.map(str.strip), max_size=20), st.data())
def test_lines_are_whole_wherever_the_stream_is_cut(texts: list[str], data: st.DataObject) -> None:
    stream = b"".join(text.encode() + b"\r\n" for text in texts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    lines = Lines()
    got: list[str] = []
    for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        got += lines.push(stream[begin:end])
    assert got == texts


def test_a_line_that_is_too_long_is_skipped_and_the_next_one_read() -> None:
    lines = Lines(max_bytes=10)
    assert lines.push(b"x" * 8) == []
    assert lines.push(b"x" * 8) == []
    assert lines.push(b"x" * 1_000_000) == []
    assert lines.unfinished == 0
    assert lines.push(b"xxx\r\ngood\r\nmo") == ["good"]
    assert lines.skipped == 1
    assert lines.push(b"re\n") == ["more"]
    assert lines.push(b"a\n" + b"y" * 11 + b"\nb\n") == ["a", "", "b"]
    assert lines.skipped == 2


def test_a_character_cut_in_two_is_whole_and_bad_utf8_is_marked() -> None:
    lines = Lines()
    raw = "hé".encode()
    assert lines.push(raw[:2]) == []
    assert lines.push(raw[2:] + b"\n\xff!\n") == ["hé", "\ufffd!"]
