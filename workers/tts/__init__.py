"""The tts worker: sound for a clause, in a voice.

May import ``ipc``, ``workers.runtime`` and, inside an engine's own module, its library.
"""
