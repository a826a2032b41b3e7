from workers.obs.worker import ObsWorker
from workers.runtime import main

main(ObsWorker)
