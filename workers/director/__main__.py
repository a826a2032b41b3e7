"""``python -m workers.director``: started by the supervisor."""

from workers.director.worker import DirectorWorker
from workers.runtime import main

if __name__ == "__main__":
    main(DirectorWorker)
