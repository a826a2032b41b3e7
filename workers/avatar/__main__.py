from workers.avatar.worker import AvatarWorker
from workers.runtime import main

main(AvatarWorker)
