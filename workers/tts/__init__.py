"""The tts process."""
