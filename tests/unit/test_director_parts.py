"""The director's small parts: history, prompt, personalities, saved state."""

from __future__ import annotations

from pathlib import Path

import pytest
from director_simulation import config
from hypothesis import given
from hypothesis import strategies as st

from ipc.errors import RequestFailed
from ipc.protocol import MemoryHit
from ipc.states import ShowMode
from workers.director import prompt
from workers.director.history import Exchange, History
from workers.director.personas import Personas
from workers.director.show import MODEL_GONE, ShowState


def exchange(number: int, persona: str = "nova") -> Exchange:
    return Exchange(persona=persona, author="Ann", text=f"q{number}", reply=f"a{number}")


def test_history_is_trimmed_in_blocks(tmp_path: Path) -> None:
    history = History(tmp_path / "h", turns=8, trim=4)
    beginnings = []
    for number in range(20):
        history.add(exchange(number))
        beginnings.append(history.of("nova")[0].text)
    assert beginnings == ["q0"] * 8 + ["q4"] * 4 + ["q8"] * 4 + ["q12"] * 4


def test_history_file_is_bounded_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "h"
    history = History(path, turns=8, trim=4)
    for number in range(500):
        history.add(exchange(number, "nova" if number % 3 else "umbra"))
    assert len(path.read_bytes().splitlines()) <= 33
    with path.open("ab") as file:
        file.write(b'{"half a li')
    again = History(path, turns=8, trim=4)
    assert again.of("nova")[-1] == history.of("nova")[-1]
    assert again.of("umbra")[-1] == history.of("umbra")[-1]
    again.add(exchange(501))
    assert History(path, turns=8, trim=4).of("nova")[-1].text == "q501"


@given(st.text(max_size=300), st.text(max_size=60))
def test_chat_text_cannot_leave_its_block(text: str, author: str) -> None:
    persona = config().personas["nova"]
    new = Exchange(persona="nova", author=author, text=text, reply="")
    hits = [MemoryHit(id="1", text=text, score=1.0)]
    built = prompt.build(persona, [exchange(1)], hits, new)
    assert [m.role for m in built[-3:]] == ["user", "assistant", "user"]
    last = built[-1].content
    assert last.count('"') == 2
    assert last.endswith('"')
    assert not set(last) & set("<>`|\x00\r\u202e")


def test_the_beginning_of_a_prompt_stays(tmp_path: Path) -> None:
    persona = config().personas["nova"]
    history = History(tmp_path / "h", 8, 4)
    history.add(exchange(1))
    before = prompt.prefix(persona, history.of("nova"))
    history.add(exchange(2))
    after = prompt.build(persona, history.of("nova"), [], exchange(3))
    assert after[: len(before)] == before
    assert "q2" in after[len(before)].content


def test_personas_are_found_by_key_or_name() -> None:
    personas = Personas(config().personas)
    assert personas.find("UMBRA") == "umbra"
    with pytest.raises(RequestFailed, match="'novva'") as failure:
        personas.find("novva")
    assert "'nova'" in failure.value.hint
    topics = [personas.next_topic("nova") for _ in range(4)]
    assert topics[0] == topics[3] != topics[1]


def test_unreadable_state_counts_as_held(tmp_path: Path) -> None:
    path = tmp_path / "show.json"
    assert not ShowState.load(path, "nova", ["nova"]).held
    ShowState(persona="gone", muted=True).save(path)
    state = ShowState.load(path, "nova", ["nova"])
    assert (state.persona, state.muted, state.held) == ("nova", True, False)
    path.write_text("{")
    state = ShowState.load(path, "nova", ["nova"])
    assert (state.held, state.mode) == (True, ShowMode.APPROVAL)
    assert "show.json" in state.reason
    assert state.reason == state.mode_reason


def test_a_hold_for_want_of_a_model_ends_with_the_show(tmp_path):
    path = tmp_path / "show.json"
    ShowState(persona="nova", held=True, reason=MODEL_GONE).save(path)
    assert not ShowState.load(path, "nova", ["nova"]).held
    ShowState(persona="nova", held=True, reason="held by the operator").save(path)
    assert ShowState.load(path, "nova", ["nova"]).held
