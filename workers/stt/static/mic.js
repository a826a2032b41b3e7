"use strict";

// The microphone's sound goes to /audio as it is: the rate is the AudioContext's and is said
// in the first message. What the show heard comes back and is shown.

const RETRY_MS = [200, 5000];
const BEHIND_BYTES = 200000; // two seconds of sound: a network this slow gets newer sound
const BAD_CLOSE = 1008; // the show does not want this source as it is

const $ = (id) => document.getElementById(id);

// Read by tests and by the curious; nothing is reported anywhere.
const counters = { frames: 0, dropped: 0, connects: 0, connected: false, peak: 0, finals: [] };
window.__spark = counters;

let wanted = false; // the person pressed start
let audio = null;
let stream = null;
let socket = null;
let retryMs = RETRY_MS[0];
let retryTimer = 0;

function show(state, sentence) {
  document.body.dataset.state = state;
  $("state").textContent = sentence;
}

function problem(sentence) {
  $("problem").textContent = sentence;
}

function words(stable, open) {
  const parts = [["stable", stable], ["open", open]].map(([kind, text]) => {
    const span = document.createElement("span");
    span.className = kind;
    span.textContent = text;
    return span;
  });
  $("words").replaceChildren(...parts);
}

const REFUSALS = {
  NotAllowedError: "The browser does not allow the microphone: allow it in the address bar.",
  NotFoundError: "There is no microphone: connect one and press start.",
  NotReadableError: "Another program keeps the microphone to itself: end it and press start.",
  OverconstrainedError: "This microphone is not there any more: choose another one.",
};

async function openMicrophone() {
  if (!navigator.mediaDevices) {
    const tunnel = `ssh -L ${location.port}:localhost:${location.port}`;
    throw new Error(
      `Browsers give microphones only to pages of this machine or with https. Open a tunnel (${tunnel}) and then http://localhost:${location.port}/mic`,
    );
  }
  const device = $("device").value;
  stream = await navigator.mediaDevices.getUserMedia({
    audio: {
      deviceId: device ? { exact: device } : undefined,
      echoCancellation: true,
      noiseSuppression: true,
      autoGainControl: true,
    },
  });
  stream.getAudioTracks()[0].onended = () => {
    stop();
    show("problem", "Not listening.");
    problem("The microphone is gone: connect it and press start.");
  };
  audio = new AudioContext({ latencyHint: "interactive" });
  await audio.audioWorklet.addModule("mic-capture.js");
  const capture = new AudioWorkletNode(audio, "capture", { numberOfOutputs: 0 });
  capture.port.onmessage = (event) => send(event.data);
  audio.createMediaStreamSource(stream).connect(capture);
  await audio.resume();
  await listDevices();
}

async function listDevices() {
  const chosen = $("device").value;
  const found = await navigator.mediaDevices.enumerateDevices();
  const options = [new Option("the usual one", "")];
  for (const device of found) {
    if (device.kind === "audioinput" && device.deviceId && device.deviceId !== "default") {
      options.push(new Option(device.label || "a microphone", device.deviceId));
    }
  }
  $("device").replaceChildren(...options);
  $("device").value = options.some((o) => o.value === chosen) ? chosen : "";
}

function send({ pcm, peak }) {
  counters.peak = Math.max(counters.peak, peak);
  $("level").value = peak;
  if (!socket || socket.readyState !== WebSocket.OPEN) {
    return;
  }
  if (socket.bufferedAmount > BEHIND_BYTES) {
    counters.dropped += 1;
    return;
  }
  socket.send(pcm);
  counters.frames += 1;
}

function take(message) {
  switch (message.type) {
    case "ready":
      retryMs = RETRY_MS[0];
      problem("");
      show("listening", "Listening.");
      break;
    case "speaking":
      show("speaking", "You speak.");
      words("", "");
      break;
    case "partial":
      show("speaking", "You speak.");
      words(message.stable, message.text.slice(message.stable.length));
      break;
    case "final":
      counters.finals.push(message.text);
      counters.finals.splice(0, counters.finals.length - 100);
      show("listening", "Listening.");
      words(message.text, "");
      break;
    case "ignored":
      show("listening", "Listening.");
      words("", `(${message.reason})`);
      break;
    case "problem":
      problem(`${message.text}: ${message.hint}.`);
      break;
    default: // a newer show may say more than this page knows
  }
}

function connect() {
  clearTimeout(retryTimer);
  show("connecting", "Looking for the show …");
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const mine = new WebSocket(`${scheme}//${location.host}/audio${location.search}`);
  socket = mine;
  mine.onopen = () => {
    counters.connects += 1;
    counters.connected = true;
    mine.send(
      JSON.stringify({
        name: $("name").value.trim() || "mic",
        rate: audio.sampleRate,
        channels: 1,
        format: "s16le",
        hears_her: !$("headphones").checked,
      }),
    );
  };
  mine.onmessage = (event) => take(JSON.parse(event.data));
  mine.onclose = (event) => {
    if (socket !== mine) {
      return;
    }
    socket = null;
    counters.connected = false;
    if (!wanted) {
      return;
    }
    if (event.code === BAD_CLOSE || event.code === 1000) {
      stop();
      show("problem", "Not listening.");
      if (event.reason && !$("problem").textContent) {
        problem(`The show closed the line: ${event.reason}.`);
      }
      return;
    }
    show("offline", "The show is not there; trying again …");
    retryTimer = setTimeout(connect, retryMs * (0.5 + Math.random() / 2));
    retryMs = Math.min(retryMs * 2, RETRY_MS[1]);
  };
}

async function start() {
  wanted = true;
  problem("");
  $("switch").textContent = "Stop";
  try {
    await openMicrophone();
  } catch (error) {
    stop();
    show("problem", "Not listening.");
    problem(REFUSALS[error.name] || error.message);
    return;
  }
  if (wanted) {
    connect();
  } else {
    stop();
  }
}

function stop() {
  wanted = false;
  clearTimeout(retryTimer);
  $("switch").textContent = "Start";
  $("level").value = 0;
  if (socket) {
    const old = socket;
    socket = null;
    counters.connected = false;
    old.close(1000);
  }
  if (stream) {
    for (const track of stream.getTracks()) {
      track.onended = null;
      track.stop();
    }
    stream = null;
  }
  if (audio) {
    audio.close();
    audio = null;
  }
  show("off", "Not listening.");
}

async function again() {
  if (wanted) {
    stop();
    await start();
  }
}

$("switch").addEventListener("click", () => (wanted ? stop() : start()));
for (const id of ["device", "name", "headphones"]) {
  $(id).addEventListener("change", again);
}
show("off", "Not listening.");
