"""The chat process: platforms in, judged lines to the director, deeds of moderators out.

``platform`` is the interface; ``twitch``, ``youtube`` and ``replay`` implement it, ``platforms``
makes those that are configured and ``source`` runs one of them, whatever happens to it.

A line's way: ``intake`` decides what becomes of it, with ``clean`` (how it looks), ``judging``
(what it says), ``ids``, ``ledger`` (what came, what was taken back), ``viewers`` and
``standing`` (who may speak; ``keeping`` puts that on disk). ``backlog`` and ``removals`` hold
what the director has not got, ``waiting`` says so, ``screen`` tells the screens.

An operator's: ``moderation`` and ``sending``, with ``naming`` (who is meant), ``deeds`` (calls of
a platform), ``undoing`` and ``describing``. ``worker`` joins them all; besides it, ``keeping``,
``deeds`` and ``source``, everything is pure. ``recent`` and ``seldom`` are small helpers.

May import ``ipc``, ``workers.runtime`` and ``workers.gate``.
"""
