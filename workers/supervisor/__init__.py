"""Process life, memory admission, recording and the two sockets the terminals use.

Knows no conversation. May import ``ipc``, the standard library, msgspec and pyzmq;
never a model library, never Textual. Pure decisions live in ``machine``, ``policy``,
``graph``, ``liveness``, ``horizon``, ``tally`` and the upper half of ``memory``; ``unit``
is the life of one worker and ``service`` wires everything to the planes.
"""
