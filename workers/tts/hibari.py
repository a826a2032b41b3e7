"""hibari: a small English voice (ONNX, 24 kHz), about a hundred times real time on one core.

It makes a sentence whole, so a clause is synthesised sentence by sentence and sliced. Its
sentences begin with about 0.3 s of silence, which is cut off: that is latency.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from ipc.config import PersonaSection, TtsSection
from ipc.errors import ModelMissing
from ipc.protocol import Synthesise, Voice
from workers.tts import shape
from workers.tts.engine import Engine, Progress, Unspeakable

DEFAULT_VOICE = "heart"
_ASKED = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.32, 1.34, 1.5, 1.75, 2.0, 2.5)
_GOT = (0.49, 0.60, 0.69, 0.80, 0.96, 1.0, 1.03, 1.10, 1.19, 1.52, 1.58, 1.66, 1.77, 1.92)
"""The pace the voice 'heart' has when asked for a speed: means of five sentences. The model
rounds the length of every phoneme, so the two differ, and paces between 1.19 and 1.52 do not
exist: there, and below -4 semitones, the pace is up to 15 % off."""
_SEED = 0  # of the noise in breath and fricatives; the same text sounds the same
_WARM_UP = ("Hello there, my friend.", "I think the moon looks like a big slice of cheese tonight!")


class HibariEngine(Engine):
    """One model a voice, all driven from one thread of our own."""

    sample_rate = 24_000

    def __init__(self, section: TtsSection, personas: Mapping[str, PersonaSection]) -> None:
        self._threads = section.threads or 1  # more than one gains nothing at this size
        self._personas = personas
        self._voices: dict[str, Any] = {}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="hibari")

    async def load(self, progress: Progress) -> dict[str, str]:
        progress("loading the voice")
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, self._load)
        progress("first words")
        await loop.run_in_executor(self._thread, self._warm_up)
        return {"engine": "hibari", "voices": ", ".join(sorted(self._voices))}

    async def speak(
        self,
        clause: Synthesise,
        arrived_s: float,  # noqa: ARG002  (for engines with declared times)
    ) -> AsyncGenerator[bytes, None]:
        loop = asyncio.get_running_loop()
        voice = clause.voice
        sentences = await loop.run_in_executor(self._thread, self._phonemes, clause.text, voice)
        if not sentences:
            raise Unspeakable("there is nothing to pronounce in this clause")
        for phonemes in sentences:
            pcm = await loop.run_in_executor(self._thread, self._synthesise, phonemes, voice)
            for chunk in shape.chunks(pcm, self.sample_rate):
                yield chunk

    async def close(self) -> None:
        await asyncio.to_thread(self._thread.shutdown)

    # --- the blocking side ---

    def _load(self) -> None:
        for key, persona in self._personas.items():
            name = persona.voice.name or DEFAULT_VOICE
            if name not in self._voices:
                self._voices[name] = self._open(name, f"personas.{key}.voice.name")
        if DEFAULT_VOICE not in self._voices:
            self._voices[DEFAULT_VOICE] = self._open(DEFAULT_VOICE, "the default voice")

    def _open(self, name: str, place: str) -> Any:
        import onnxruntime  # noqa: PLC0415  (heavy: only where it is used)
        from hibari import Hibari  # noqa: PLC0415
        from hibari.voices import VOICES, voice_path  # noqa: PLC0415

        try:
            path = voice_path(name, download_missing=False)
        except FileNotFoundError as error:
            raise ModelMissing(
                f"{place} = {name!r}: this voice of hibari is not on this machine",
                f"use {DEFAULT_VOICE!r}, or put the file there yourself: {error}",
            ) from None
        except ValueError:
            raise ModelMissing(
                f"{place} = {name!r}: hibari has no such voice",
                f"bundled: {DEFAULT_VOICE}; to be fetched: {', '.join(sorted(VOICES))}",
            ) from None
        model = Hibari(voice=name, model=path, threads=1)
        if self._threads > 1:
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = self._threads
            # its workers would wait for the next clause in a busy loop
            options.add_session_config_entry("session.intra_op.allow_spinning", "0")
            model.sess = onnxruntime.InferenceSession(
                path, options, providers=["CPUExecutionProvider"]
            )
        return model

    def _warm_up(self) -> None:
        voices = [persona.voice for persona in self._personas.values()]
        for wanted in voices:
            voice = Voice(name=wanted.name, speed=wanted.speed, pitch=wanted.pitch)
            for text in _WARM_UP:
                for phonemes in self._phonemes(text, voice):
                    self._synthesise(phonemes, voice)

    def _model(self, voice: Voice) -> Any:
        model = self._voices.get(voice.name or DEFAULT_VOICE)
        if model is None:
            raise Unspeakable(
                f"the voice {voice.name!r} is not loaded; there is {', '.join(self._voices)}"
            )
        return model

    def _phonemes(self, text: str, voice: Voice) -> list[str]:
        """Phonemes of each sentence that has any."""
        model = self._model(voice)
        try:
            sentences: list[str] = model.phonemize(text)
        except Exception as error:  # one odd line must not end the voice
            raise Unspeakable(f"the text cannot be pronounced: {error!r}") from error
        return [s for s in sentences if any(c.isalpha() for c in s)]

    def _synthesise(self, phonemes: str, voice: Voice) -> bytes:
        """One sentence, shaped. Pitch is made by resampling, so the pace is compensated."""
        factor = shape.pitch_factor(voice.pitch)
        speed = float(np.interp(voice.speed / factor, _GOT, _ASKED))
        try:
            raw = self._model(voice).from_phonemes(phonemes, speed, _SEED)
        except Unspeakable:
            raise
        except Exception as error:  # the same
            raise Unspeakable(f"the engine failed: {error!r}") from error
        rate = self.sample_rate
        sound = shape.trim(shape.resample(raw, factor), rate)
        sound = shape.fade(shape.level(sound), rate)
        silence = shape.pause(shape.pause_after(phonemes) / voice.speed, rate)
        return shape.to_pcm(sound) + shape.to_pcm(silence)
