"""The director process."""
