"""The gate: judges text, what viewers write and what she is about to say.

Not a process: chat holds one for what comes in, the director one for what goes out. May
import ``ipc``; knows neither worker. ``confusables`` and ``fold`` bring text into plain form
and back; ``entries`` and ``words`` find what a list has in it; ``addresses``, ``personal``,
``injection`` and ``spam`` find the rest; ``classifier`` is a model's opinion; ``lists`` reads
files again when they change; ``gate`` joins them all.
"""

from workers.gate.fold import fold
from workers.gate.gate import RECHECK_NS, Gate
from workers.gate.verdict import Judgement, Verdict

__all__ = ["RECHECK_NS", "Gate", "Judgement", "Verdict", "fold"]
