"""The director's files: written together, shown when they cannot be, and then on the safe side."""

from __future__ import annotations

from pathlib import Path

import pytest
from director_simulation import MS, Simulation

from ipc.errors import RequestFailed
from ipc.protocol import NoticeEvent, Removed
from ipc.states import ShowMode
from workers.director import approvals, removal
from workers.director.removal import Removals

FILES = ("show.json", "approvals.json", "removed.json", "history.jsonl")


@pytest.fixture
def show(tmp_path: Path) -> Simulation:
    return Simulation(tmp_path).start()


class Full:
    """The state directory takes no new content, as when the disk is full."""

    def __init__(self, path: Path) -> None:
        self._blocks = [path / f"{name}.new" for name in FILES]
        for block in self._blocks:
            block.mkdir()

    def mend(self) -> None:
        for block in self._blocks:
            block.rmdir()


@pytest.fixture
def full(show: Simulation) -> Full:
    return Full(show.path)


def test_a_state_that_cannot_be_saved_is_shown_once_and_until_it_can(
    show: Simulation, full: Full
) -> None:
    show.core.set_topic("stars")
    show.core.set_slow(3)
    show.run_for(10)
    show.chat("hm", held_why="links")
    show.deliver(Removed(platform="console", author_id="console:zed", forget=True))
    show.run_for(30)
    (notice,) = show.of(NoticeEvent)
    assert notice.level == "error"
    assert "show.json" in notice.text
    assert "state directory" in notice.hint
    for name in ("show.json", "approvals.json", "removed.json"):
        assert name in show.problem_text
    assert "a restart forgets what is set" in show.core.unsaved
    full.mend()
    show.run_for(2)
    assert show.core.unsaved == show.problem_text == ""
    assert len(show.of(NoticeEvent)) == 1
    again = Simulation(show.path).start()
    assert again.core.show.topic == "stars"
    assert again.core.approvals.waiting
    assert not again.core.show.held


@pytest.mark.parametrize("careful", ["mode", "hold"])
def test_careful_settings_that_cannot_be_saved_do_not_come_back_as_open(
    show: Simulation, careful: str
) -> None:
    show.core.set_topic("stars")  # there is a file, and it says that the show is open
    full = Full(show.path)
    if careful == "mode":
        show.core.set_mode("approval")
    else:
        show.core.hold("lunch")
    assert show.core.unsaved
    full.mend()
    again = Simulation(show.path).start()
    assert again.core.show.held
    assert again.core.show.mode is ShowMode.APPROVAL
    again.chat()
    again.run_for(60)
    assert not again.opened


def test_what_was_heard_is_in_the_journal_when_there_is_room_again(show: Simulation) -> None:
    journal = show.path / "history.jsonl"
    journal.mkdir()
    show.chat()
    show.run_for(30)
    assert "history.jsonl" in show.problem_text
    assert len(show.core.history.of("nova")) == 1
    journal.rmdir()
    show.run_for(2)
    assert show.problem_text == ""
    assert journal.stat().st_mode & 0o777 == 0o600
    assert len(Simulation(show.path).core.history.of("nova")) == 1


def test_the_journal_is_its_owners_alone(show: Simulation) -> None:
    show.chat()
    show.run_for(30)
    assert (show.path / "history.jsonl").stat().st_mode & 0o777 == 0o600


def test_a_wave_of_bans_is_written_a_few_times_and_cuts_first(
    show: Simulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    cancels_at_write: list[int] = []
    replace = removal.replace

    def write(path: Path, content: bytes, *, durable: bool = False) -> None:
        assert durable
        cancels_at_write.append(len(show.cancels))
        replace(path, content, durable=durable)

    monkeypatch.setattr(removal, "replace", write)
    show.chat("hello", "Zed")
    show.run_until(lambda s: bool(s.sent_to("tts", object)))
    show.deliver(Removed(platform="console", author_id="console:zed", forget=True))
    assert show.cancels
    assert cancels_at_write == [len(show.cancels)], "a single one is kept at once, after the cut"
    for n in range(500):
        show.deliver(Removed(platform="console", author_id=f"console:troll{n}", forget=True))
    assert len(cancels_at_write) == 1
    show.now += 20 * MS
    show.core.tick()
    assert len(cancels_at_write) == 1
    show.run_for(1)
    assert len(cancels_at_write) == 2
    kept = Removals(show.path / "removed.json").forgets()
    assert len(kept) >= 501
    show.deliver(Removed(platform="console", author_id="console:a"))
    show.deliver(Removed(platform="console", author_id="console:last", forget=True))
    show.core.close()
    kept = Removals(show.path / "removed.json").forgets()
    assert "console:last" in {one.author_id for one in kept}


def test_what_is_denied_is_off_the_disk_before_anybody_is_told(
    show: Simulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    durably: list[bool] = []
    replace = approvals.replace

    def write(path: Path, content: bytes, *, durable: bool = False) -> None:
        durably.append(durable)
        replace(path, content, durable=durable)

    monkeypatch.setattr(approvals, "replace", write)
    one, other = (show.chat(text, held_why="links") for text in ("one", "two"))
    assert durably == [False, False], "lines come in thousands, and one that is lost is not heard"
    show.core.deny(one)
    assert durably[2:] == [True]
    show.core.hold("lunch")
    show.core.approve(other)
    show.core.dump()
    assert durably[3:] == [True, True]
    show.chat("three", held_why="links")
    assert durably[5:] == [False]


def test_a_refused_verb_says_nothing_of_it(show: Simulation, full: Full) -> None:
    with pytest.raises(RequestFailed):
        show.core.set_mode("bold")
    assert show.core.unsaved == ""
    full.mend()
