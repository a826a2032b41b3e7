"""Entry of ``python -m workers.stt``."""

from workers.runtime import main
from workers.stt.worker import SttWorker

main(SttWorker)
