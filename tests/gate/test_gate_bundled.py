"""Words that people write to get past the bundled list."""

from __future__ import annotations

import pytest

from ipc.config import GateSection
from workers.gate import Gate, Verdict

GATE = Gate(GateSection(), "input")
GATE.refresh(0)


@pytest.mark.parametrize(
    ("verdict", "texts"),
    [
        (
            "drop",
            """kill your self|kil yourself|kil your self|kill urslef|niggr|niggrs|nigguh|nibber|
            neeger|trannie|raep|nigegr|ngger|fagogt|fggot|retrad|reatrd|n!ggre|spatsic|n*ggers""",
        ),
        (
            "drop",
            """N🅱️GGER|n🅱gger|ni🅱🅱er|n🅱🅱a|🅽🅸🅶🅶🅴🆁|🄽🄸🄶🄶🄴🅁|🅝🅘🅖🅖🅔🅡|ⓝⓘⓖⓖⓔⓡ|🇳🇮🇬🇬🇪🇷|
            n❌gger""",
        ),
        ("hold", "rope yourself|rope ur self|retarted"),
        (
            "mask",
            """negro|kunt|cnut|bytch|bytches|fcuk|fcuking|fuxk|fuxking|pornhub|🅱itch|a💲💲|fu🆑k|
            www bigfollows com|discord gg abc""",
        ),
    ],
)
def test_evasions(verdict: str, texts: str) -> None:
    judged = {text.strip(): GATE.judge(text.strip()).verdict for text in texts.split("|")}
    assert judged == dict.fromkeys(judged, Verdict(verdict))


def test_only_the_word_is_hidden() -> None:
    assert GATE.judge("oh fu🅱️k that").text == "oh **** that"
    assert GATE.judge("my f❌ck 🅱oy").text == "my **** 🅱oy"
