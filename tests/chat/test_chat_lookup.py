"""chat: who is meant by what an operator types."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipc.errors import RequestFailed
from workers.chat.lookup import Person, find
from workers.chat.standing import Mark, Standing
from workers.chat.viewers import Viewers

PLATFORMS = ("console", "twitch", "youtube")


def known() -> tuple[Viewers, Standing]:
    viewers = Viewers()
    for number, name, login in [
        ("twitch:11", "Mira", "mira"),
        ("twitch:12", "ミラ", "mira_jp"),
        ("youtube:UC1", "mira", ""),
        ("twitch:13", "Leo", "leo"),
        ("twitch:14", "Straße", "strasse"),
        ("twitch:15", "system", "system"),
        ("twitch:16", "!ban", "ban"),
        ("console:tom", "tom", ""),
        ("console:a:b", "a:b", ""),
    ]:
        viewers.meet(number, name, login, 1.0)
    viewers.meet("twitch:13", "Leopold", "leo", 2.0)
    return viewers, Standing(
        [
            Mark(id="twitch:99", name="Gone", login="gone", banned=True),
            Mark(id="elsewhere:1", name="Far", banned=True),
        ]
    )


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("twitch:11", "twitch:11"),
        (" TWITCH:11 ", "twitch:11"),
        ("mira_jp", "twitch:12"),
        ("@Mira_JP", "twitch:12"),
        ("ミラ", "twitch:12"),
        ("twitch:mira", "twitch:11"),
        ("youtube:mira", "youtube:UC1"),
        ("leo", "twitch:13"),
        ("LEOPOLD", "twitch:13"),
        ("STRASSE", "twitch:14"),
        ("system", "twitch:15"),
        ("!ban", "twitch:16"),
        ("gone", "twitch:99"),
        ("console:tom", "console:tom"),
        ("a:b", "console:a:b"),
        ("twitch:never seen", "twitch:never seen"),
        ("youtube:UC777", "youtube:UC777"),
        ("elsewhere:1", "elsewhere:1"),
    ],
)
def test_who_is_meant(typed: str, meant: str) -> None:
    assert find(typed, *known(), PLATFORMS).id == meant


def test_an_earlier_name_is_found_if_nobody_has_it_now() -> None:
    viewers, standing = Viewers(), Standing()
    viewers.meet("twitch:1", "Ann", "x1", 1.0)
    viewers.meet("twitch:1", "Anna", "x1", 2.0)
    assert find("ann", viewers, standing, PLATFORMS).id == "twitch:1"
    viewers.meet("twitch:2", "Ann", "x2", 3.0)
    assert find("ann", viewers, standing, PLATFORMS).id == "twitch:2"


def test_a_name_of_several_lists_them() -> None:
    with pytest.raises(RequestFailed) as failed:
        find("Mira", *known(), PLATFORMS)
    assert "twitch:11 (Mira), youtube:UC1 (mira)" in failed.value.message


def test_many_candidates_are_not_all_listed() -> None:
    viewers = Viewers()
    for number in range(500):
        viewers.meet(f"twitch:{number}", "bot", "", 1.0)
    with pytest.raises(RequestFailed) as failed:
        find("bot", viewers, Standing(), PLATFORMS)
    assert "500 viewers" in failed.value.message
    assert "492 more" in failed.value.message


def test_an_unknown_name_says_what_is_near() -> None:
    with pytest.raises(RequestFailed) as failed:
        find("leopol", *known(), PLATFORMS)
    assert "'leopol'" in failed.value.message
    assert "'Leopold'" in failed.value.hint
    with pytest.raises(RequestFailed, match="empty"):
        find(" \u200b ", *known(), PLATFORMS)


def test_a_person_reads_well() -> None:
    assert str(Person("twitch:1", "Mira")) == "Mira (twitch:1)"
    assert str(Person("twitch:1", "")) == "twitch:1"
    assert Person("console:a:b", "").raw_id == "a:b"


@given(st.text(max_size=60))
def test_whatever_is_typed_is_a_viewer_or_a_sentence(typed: str) -> None:
    with contextlib.suppress(RequestFailed):
        assert find(typed, *known(), PLATFORMS).id.partition(":")[0] in (*PLATFORMS, "elsewhere")
