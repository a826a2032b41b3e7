"""The memory worker: remembers exchanges, recalls what is like the present one, forgets.

May import ``ipc``, ``workers.runtime`` and, inside an engine's own module, its library.
"""
