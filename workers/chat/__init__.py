"""The chat process: platforms in, judged lines to the director, deeds of moderators out.

``platform`` is the interface; ``twitch``, ``youtube`` and ``replay`` implement it. ``sources``
makes those that are configured and runs each, whatever happens to it.

A line's way: ``intake`` decides what becomes of it, with ``clean`` (how it looks),
``input_gate`` (what it says), ``effort`` (what judging may cost), ``ids``, ``ledger`` (what
came, what was taken back), ``viewers`` (who was seen) and ``standing`` (who may speak).
``backlog`` and ``removals`` hold what the director has not got; ``reports`` tells screens and
log.

An operator's: ``moderation``, with ``lookup`` (who is meant) and ``deeds`` (calls of a
platform). ``worker`` joins them all; besides it, ``sources``, ``deeds`` and the file of
``standing``, everything is pure.

May import ``ipc``, ``workers.runtime`` and ``workers.gate``.
"""
