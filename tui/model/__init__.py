"""What the screen shows, as bounded plain state. No Textual, no sockets, no clock of its own.

Events go in through ``Show.apply``; the panels read the fields.
"""
