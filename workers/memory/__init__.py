"""The memory process."""
