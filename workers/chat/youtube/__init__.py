"""YouTube live chat: polled within the day's quota, and moderated with an OAuth token.

``youtube`` is the platform; ``reader`` finds the chat and reads it; ``api`` makes one call;
``items``, ``money``, ``address``, ``quota`` and ``trouble`` are the decisions, without I/O.
"""

from workers.chat.youtube.youtube import YouTube

__all__ = ["YouTube"]
