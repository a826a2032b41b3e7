"""The only process that decides: which line, which personality, what may be said, when to stop.

``core`` holds the decisions and ``worker`` the process around it. May import ``ipc`` and
``workers.runtime``; no model library and no other worker.
"""
