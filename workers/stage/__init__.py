"""The stage process."""
