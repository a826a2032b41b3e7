"use strict";

// The stage sends sound a little ahead of its clock, stamped with that clock. The page maps
// the stage's clock to the AudioContext's once per stretch of speech and then schedules
// every frame at its own place, so frames join without a gap and a real gap stays one.

const HEADER_BYTES = 28; // u32 turn, clause, offset, rate; f64 stage clock s; f32 lead s
const MARGIN_S = 0.03; // the first frame starts this far ahead of the AudioContext
const JOIN_S = 0.002; // closer to the end of the frame before than this: no gap was meant
const RETRY_MS = [200, 5000];
const LINGER_MS = 1500; // a caption stays this long after the turn

const caption = document.getElementById("caption");
const speaker = document.getElementById("speaker");
const text = document.getElementById("text");
const button = document.getElementById("enable-sound");

// Read by tests and by the curious; nothing is reported anywhere.
const counters = {
  frames: 0,
  samples: 0,
  playing: 0,
  flushes: 0,
  lastFlush: 0,
  lastSound: 0,
  connects: 0,
  connected: false,
  muted: false,
  gaps: 0,
  get audio() {
    return audio.state;
  },
};
window.__spark = counters;

const audio = new AudioContext({ latencyHint: "interactive" });
const sources = new Set();
let clockOffset = 0; // AudioContext time minus stage clock
let scheduledEnd = 0; // AudioContext time
let clearTimer = 0;
let retryMs = RETRY_MS[0];

function showButton() {
  button.hidden = audio.state === "running";
}

function enableSound() {
  audio.resume().then(showButton, showButton);
}

function stopSound() {
  for (const source of sources) {
    source.onended = null;
    source.stop();
    source.disconnect();
  }
  sources.clear();
  counters.playing = 0;
  scheduledEnd = 0;
}

function play(data) {
  counters.frames += 1;
  if (audio.state !== "running") {
    return; // nothing can sound, and what waits would come out late and all at once
  }
  const view = new DataView(data);
  const rate = view.getUint32(12, true);
  const at = view.getFloat64(16, true);
  const lead = view.getFloat32(24, true);
  const pcm = new Int16Array(data, HEADER_BYTES);
  if (pcm.length === 0) {
    return;
  }
  const buffer = audio.createBuffer(1, pcm.length, rate);
  const samples = buffer.getChannelData(0);
  for (let i = 0; i < pcm.length; i += 1) {
    samples[i] = pcm[i] / 32768;
  }
  const now = audio.currentTime;
  if (sources.size === 0 || at + clockOffset < now) {
    if (sources.size > 0) {
      counters.gaps += 1; // this frame came too late for its place
    }
    clockOffset = Math.max(now + lead + MARGIN_S, scheduledEnd) - at;
  }
  let start = at + clockOffset;
  if (Math.abs(start - scheduledEnd) < JOIN_S) {
    start = scheduledEnd;
  }
  scheduledEnd = start + buffer.duration;
  const source = audio.createBufferSource();
  source.buffer = buffer;
  source.connect(audio.destination);
  source.onended = () => {
    sources.delete(source);
    counters.playing = sources.size;
  };
  source.start(start);
  sources.add(source);
  counters.playing = sources.size;
  counters.samples += pcm.length;
  counters.lastSound = performance.now();
}

function showCaption(message) {
  clearTimeout(clearTimer);
  speaker.textContent = message.speaker;
  text.textContent = message.text;
  caption.style.setProperty("--speaker-color", message.color);
  document.body.dataset.emotion = message.emotion;
  caption.classList.add("shown");
}

function hideCaption(afterMs) {
  clearTimeout(clearTimer);
  clearTimer = setTimeout(() => caption.classList.remove("shown"), afterMs);
}

function setMuted(muted) {
  counters.muted = muted;
  document.body.toggleAttribute("data-muted", muted);
  if (muted) {
    stopSound();
  }
}

function take(message) {
  switch (message.type) {
    case "state":
      setMuted(message.muted);
      break;
    case "caption":
      showCaption(message);
      break;
    case "clear":
      hideCaption(LINGER_MS);
      break;
    case "flush":
      stopSound();
      hideCaption(0);
      counters.flushes += 1;
      counters.lastFlush = performance.now();
      break;
    case "mute":
      setMuted(message.muted);
      break;
    default: // a newer show may say more than this page knows
  }
}

function connect() {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(`${scheme}//${location.host}/ws${location.search}`);
  socket.binaryType = "arraybuffer";
  socket.onopen = () => {
    retryMs = RETRY_MS[0];
    counters.connects += 1;
    counters.connected = true;
    document.body.removeAttribute("data-offline");
    stopSound();
    hideCaption(0); // the show says next what is up now
  };
  socket.onmessage = (event) => {
    if (typeof event.data === "string") {
      take(JSON.parse(event.data));
    } else {
      play(event.data);
    }
  };
  socket.onclose = () => {
    counters.connected = false;
    document.body.setAttribute("data-offline", "");
    hideCaption(LINGER_MS);
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
