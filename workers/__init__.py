"""The processes of a show, one package each.

``supervisor`` starts and watches the others; ``runtime`` is what every worker shares.
A worker imports ``ipc`` and ``workers.runtime`` and never a sibling: what two workers
have to say to each other is a message in ``ipc.protocol``.
"""
