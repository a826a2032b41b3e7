"""The llm worker: tokens for a prompt.

May import ``ipc``, ``workers.runtime`` and, inside an engine's own module, its library.
"""
