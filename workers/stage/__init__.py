"""The stage process: owns the playout clock, the sinks, and the record of what was heard.

``playout`` decides (pure); ``overlay``, ``device``, ``wav`` and ``heard`` carry out;
``worker`` joins them. May import ``ipc`` and ``workers.runtime``.
"""
