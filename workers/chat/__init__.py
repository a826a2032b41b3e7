"""The chat process."""
