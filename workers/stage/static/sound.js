// The stage sends sound a little ahead of its clock, stamped with that clock. The page maps
// the stage's clock to the AudioContext's once per stretch of speech and then schedules
// every frame at its own place, so frames join without a gap and a real gap stays one.

const HEADER_BYTES = 28; // u32 turn, clause, offset, rate; f64 stage clock s; f32 lead s
const MARGIN_S = 0.03; // the first frame starts this far ahead of the AudioContext
const JOIN_S = 0.002; // closer to the end of the frame before than this: no gap was meant
const FADE_S = 0.01; // of a sound that ends early

export const audio = new AudioContext({ latencyHint: "interactive" });
const output = audio.createGain(); // her voice; turned down while somebody else speaks
output.connect(audio.destination);

// Read by tests and by the curious; nothing is reported anywhere.
export const counters = {
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
  mouth: 0,
  drawn: 0,
  output,
  stageTime,
  get audio() {
    return audio.state;
  },
};
window.__spark = counters;

const sources = new Set();
let voice = null; // of one turn: {turn, gain, until}; until is stage time
let clockOffset = 0; // AudioContext time minus stage clock
let wallOffset = -Infinity; // stage clock minus performance.now(), for when nothing sounds
let scheduledEnd = 0; // AudioContext time

/** The show says what its clock is now. Messages are late sometimes, never early. */
export function setClock(stage, fresh) {
  const offset = stage - performance.now() / 1000;
  wallOffset = fresh ? offset : Math.max(wallOffset, offset);
}

/** The moment of the stage's clock that is heard on this page now, in seconds. */
export function stageTime() {
  if (sources.size > 0) {
    return audio.currentTime - (audio.outputLatency || 0) - clockOffset;
  }
  return performance.now() / 1000 + wallOffset;
}

/** Nothing sounds any more. */
export function stopSound() {
  sources.forEach(drop);
  scheduledEnd = 0;
}

function drop(source) {
  source.onended = null;
  source.stop();
  release(source);
}

function release(source) {
  sources.delete(source);
  source.disconnect();
  source.spoken.playing -= 1;
  retire(source.spoken);
  counters.playing = sources.size;
}

/** Nothing of this turn sounds after stage time `at`; the end fades. */
export function truncate(turn, at) {
  if (voice === null || voice.turn !== turn) {
    return;
  }
  voice.until = at;
  const end = at + clockOffset;
  const fade = Math.max(audio.currentTime, end - FADE_S);
  voice.gain.gain.cancelScheduledValues(0);
  voice.gain.gain.setValueAtTime(1, fade);
  voice.gain.gain.linearRampToValueAtTime(0, Math.max(end, fade + 0.001));
  for (const source of sources) {
    if (source.begins >= end) {
      drop(source);
    } else {
      source.stop(end);
    }
  }
  scheduledEnd = Math.min(scheduledEnd, end);
}

/** Her voice at this gain, reached in `ramp` seconds. */
export function duck(gain, ramp) {
  const now = audio.currentTime;
  const before = output.gain.value;
  output.gain.cancelScheduledValues(now);
  output.gain.setValueAtTime(before, now);
  output.gain.linearRampToValueAtTime(gain, now + Math.max(ramp, 0.001));
}

/** The turn is over: its node goes with its last sound. */
function retire(spoken) {
  if (spoken !== null && spoken !== voice && spoken.playing === 0) {
    spoken.gain.disconnect();
  }
}

function voiceOf(turn) {
  if (voice === null || voice.turn !== turn) {
    const gain = audio.createGain();
    gain.connect(output);
    const before = voice;
    voice = { turn, gain, until: Infinity, playing: 0 };
    retire(before);
  }
  return voice;
}

/** A binary frame. Where it belongs: {turn, clause, begin, until}; begin is the stage time of
 * the clause's first sample, until the seconds of the clause that are here. */
export function play(data) {
  counters.frames += 1;
  const view = new DataView(data);
  const turn = view.getUint32(0, true);
  const clause = view.getUint32(4, true);
  const offset = view.getUint32(8, true);
  const rate = view.getUint32(12, true);
  const at = view.getFloat64(16, true);
  const lead = view.getFloat32(24, true);
  const pcm = new Int16Array(data, HEADER_BYTES);
  // what cannot sound now must not come out later, late and all at once
  if (audio.state === "running" && pcm.length > 0) {
    schedule(voiceOf(turn), pcm, rate, at, lead);
  }
  return { turn, clause, begin: at - offset / rate, until: (offset + pcm.length) / rate };
}

function schedule(spoken, pcm, rate, at, lead) {
  if (at >= spoken.until) {
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
  source.begins = start;
  source.spoken = spoken;
  source.connect(spoken.gain);
  source.onended = () => release(source);
  source.start(start);
  if (scheduledEnd > spoken.until + clockOffset) {
    scheduledEnd = spoken.until + clockOffset;
    source.stop(scheduledEnd);
  }
  sources.add(source);
  spoken.playing += 1;
  counters.playing = sources.size;
  counters.samples += pcm.length;
  counters.lastSound = performance.now();
}
