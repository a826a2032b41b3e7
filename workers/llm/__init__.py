"""The llm process."""
