"""The gate: judges text, what viewers write and what she is about to say.

Not a process: chat holds one for what comes in, the director one for what goes out. May
import ``ipc``; knows neither worker.
"""

from workers.gate.gate import RECHECK_NS, Gate, Judgement, Verdict

__all__ = ["RECHECK_NS", "Gate", "Judgement", "Verdict"]
