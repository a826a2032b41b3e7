// The page: one connection to the show, and who gets what comes over it.

import { followClock, followSound, hideCaption, setLength, showCaption } from "./captions.js";
import { closeMouth, moveMouth, rest, setFace, speak, truncateMouth } from "./face.js";
import { audio, counters, duck, play, setClock, stopSound, truncate } from "./sound.js";

const RETRY_MS = [200, 5000];

const button = document.getElementById("enable-sound");
let retryMs = RETRY_MS[0];

function showButton() {
  button.hidden = audio.state === "running";
}

function enableSound() {
  audio.resume().then(showButton, showButton);
}

function setMuted(muted) {
  counters.muted = muted;
  document.body.toggleAttribute("data-muted", muted);
  if (muted) {
    stopSound();
    closeMouth();
    followClock();
  }
}

function silence() {
  stopSound();
  closeMouth();
  hideCaption(false);
  rest();
}

const ON = {
  state(message) {
    setClock(message.clock, true);
    setFace(message.face === "drawn");
    duck(message.gain, 0);
    setMuted(message.muted);
  },
  caption(message) {
    setClock(message.clock, false);
    showCaption(message);
    speak();
  },
  length: setLength,
  clear(message) {
    hideCaption(!message.cut);
    if (message.cut) {
      closeMouth();
    }
    rest();
  },
  flush() {
    silence();
    counters.flushes += 1;
    counters.lastFlush = performance.now();
  },
  truncate(message) {
    truncate(message.turn, message.at);
    truncateMouth(message.turn, message.at);
  },
  duck(message) {
    duck(message.gain, message.ramp);
  },
  mute(message) {
    setMuted(message.muted);
  },
  mouth(message) {
    setClock(message.clock, false);
    moveMouth(message);
  },
};

function connect() {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(`${scheme}//${location.host}/ws${location.search}`);
  socket.binaryType = "arraybuffer";
  socket.onopen = () => {
    retryMs = RETRY_MS[0];
    counters.connects += 1;
    counters.connected = true;
    document.body.removeAttribute("data-offline");
    silence(); // the show says next what is up now
  };
  socket.onmessage = (event) => {
    if (typeof event.data === "string") {
      const message = JSON.parse(event.data);
      if (Object.hasOwn(ON, message.type)) {
        ON[message.type](message); // a newer show may say more than this page knows
      }
    } else {
      followSound(play(event.data));
    }
  };
  socket.onclose = () => {
    counters.connected = false;
    document.body.setAttribute("data-offline", "");
    closeMouth();
    hideCaption(true);
    rest();
    setTimeout(connect, retryMs * (0.5 + Math.random() / 2));
    retryMs = Math.min(retryMs * 2, RETRY_MS[1]);
  };
}

audio.onstatechange = showButton;
button.addEventListener("click", enableSound);
document.addEventListener("pointerdown", enableSound);
document.addEventListener("keydown", enableSound);
// the context needs a moment to start where it may; only then is it blocked
setTimeout(showButton, 500);
connect();
