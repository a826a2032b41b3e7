"""The stage process: owns the playout clock, the sinks, and the record of what was heard.

``playout`` decides (pure), with ``turn``, ``outputs`` and ``wordend``; ``overlay``, ``device``,
``wav`` and ``heard`` carry out; ``gain`` turns down and ``mouth`` tells where her mouth is;
``worker`` joins them. May import ``ipc``, ``workers.runtime`` and ``workers.face``.
"""
