"""Entry of the llm process."""

from workers.llm.worker import LlmWorker
from workers.runtime import main

if __name__ == "__main__":
    main(LlmWorker)
