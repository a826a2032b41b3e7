"""The chat process: platforms in, clean lines out.

``clean`` is what every line goes through (pure); ``platform`` is the interface, one file
implements one platform; ``backlog`` keeps lines while the director is away; ``worker``
joins them. May import ``ipc`` and ``workers.runtime``.
"""
