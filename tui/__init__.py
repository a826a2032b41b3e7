"""The terminal: command line and screen."""
