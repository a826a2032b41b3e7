from workers.runtime import main
from workers.stage.worker import StageWorker

main(StageWorker)
