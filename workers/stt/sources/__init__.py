"""Where sound comes from: the microphone page and its WebSocket, devices, files."""
