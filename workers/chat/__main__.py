from workers.chat.worker import ChatWorker
from workers.runtime import main

main(ChatWorker)
