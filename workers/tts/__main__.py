"""Entry of the tts process."""

from workers.runtime import main
from workers.tts.worker import TtsWorker

if __name__ == "__main__":
    main(TtsWorker)
