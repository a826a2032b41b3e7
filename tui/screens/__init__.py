"""The main screen and what opens over it: a question, a page of text, the palette."""
