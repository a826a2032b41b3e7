"""The obs process: OBS Studio through obs-websocket 5, if it is there.

``programme`` decides, from what the show tells everybody, what OBS is to show; ``client`` brings
OBS in line with it, over one ``session`` after another, and looks at the stream (``stream``).
``protocol`` and ``sentences`` are the frames and what their numbers mean to a person;
``report`` keeps what the operator is told from being a flood. ``worker`` joins them.

It only listens to the show: without it nothing is different but OBS. May import ``ipc`` and
``workers.runtime``.
"""
