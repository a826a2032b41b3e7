"""Entry of the memory process."""

from workers.memory.worker import MemoryWorker
from workers.runtime import main

if __name__ == "__main__":
    main(MemoryWorker)
