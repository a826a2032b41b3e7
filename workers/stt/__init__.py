"""Hearing: sound of people in, words out.

``sources`` bring sound of any rate, ``audio`` makes it 16 kHz mono, ``vad`` says when
somebody speaks, ``utterance`` keeps what belongs together, ``scribe`` lets the engine
write it down, ``doubt`` and ``echo`` judge whether a person said it. ``ears`` joins them.
May import ``ipc`` and ``workers.runtime``; faster-whisper only inside its engine.
"""
