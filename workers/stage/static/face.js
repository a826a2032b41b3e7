// A simple drawn face for shows without an avatar. The mouth follows the frames that the show
// sends for its sound; brows, cheeks and colours are CSS. Nothing is drawn while she is silent,
// except a blink now and then.

import { counters, stageTime } from "./sound.js";

const SVG = "http://www.w3.org/2000/svg";
const REST_MS = 6000; // breathing goes on for so long after the last word
const BLINK_MS = 130;
const BLINK_EVERY_MS = [2200, 6000];
const MOUTH = { x: 200, y: 322, half: 21 };
// how wide and how high the mouth is for A I U E O, of what it can be
const WIDE = [1.0, 1.35, 0.5, 1.2, 0.72];
const HIGH = [1.0, 0.42, 0.45, 0.62, 0.85];
const HIGHEST = 44;
const SMILE = { joy: 9, fun: 10, sorrow: -8, anger: -6, surprise: 0 };
const PLAIN_SMILE = 4;
const TRACKS_KEPT = 64; // a page that is not shown draws nothing, for hours
const CLOSED = [0, 0, 0, 0, 0, 0];

const face = document.getElementById("face");
const still = matchMedia("(prefers-reduced-motion: reduce)");
let mouth = null; // the paths, once drawn
let tracks = []; // {turn, begin, end, until, rate, rows}, in order
let frame = 0; // of requestAnimationFrame; 0: nothing moves
let restTimer = 0;
let blinkTimer = 0;

function make(parent, name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) {
    element.setAttribute(key, value);
  }
  parent.append(element);
  return element;
}

function eye(head, x, side) {
  const group = make(head, "g", { class: `face-eye ${side}` });
  make(group, "ellipse", { class: "face-white", cx: x, cy: 246, rx: 26, ry: 31 });
  make(group, "ellipse", { class: "face-iris", cx: x, cy: 249, rx: 18, ry: 24 });
  make(group, "ellipse", { class: "face-pupil", cx: x, cy: 251, rx: 9, ry: 13 });
  make(group, "circle", { class: "face-light", cx: x - 7, cy: 239, r: 6 });
  make(group, "path", { class: "face-lid", d: `M${x - 29} 236 Q${x} 202 ${x + 29} 236` });
}

function draw() {
  const svg = make(face, "svg", { viewBox: "0 0 400 480" });
  const bust = make(svg, "g", { class: "face-bust" });
  make(bust, "path", {
    class: "face-hair back",
    d: "M200 52 C98 48 62 136 66 236 C68 318 56 380 70 424 L330 424 C344 380 332 318 334 236 C338 136 302 48 200 52 Z",
  });
  make(bust, "path", {
    class: "face-clothes",
    d: "M58 480 C66 424 124 404 166 396 L234 396 C276 404 334 424 342 480 Z",
  });
  make(bust, "path", { class: "face-skin", d: "M172 352 L172 402 Q200 428 228 402 L228 352 Z" });
  const head = make(bust, "g", { class: "face-head" });
  make(head, "path", {
    class: "face-skin",
    d: "M96 220 C92 308 142 372 200 376 C258 372 308 308 304 220 C300 140 252 104 200 104 C148 104 100 140 96 220 Z",
  });
  for (const x of [128, 272]) {
    make(head, "ellipse", { class: "face-blush", cx: x, cy: 296, rx: 22, ry: 12 });
  }
  eye(head, 148, "left");
  eye(head, 252, "right");
  make(head, "path", { class: "face-tear", d: "M262 282 q-9 16 0 20 q9 -4 0 -20 Z" });
  make(head, "path", { class: "face-nose", d: "M200 280 l-4 8" });
  const shape = make(head, "path", { class: "face-mouth" });
  const clip = make(make(head, "clipPath", { id: "face-mouth-clip" }), "path", {});
  const tongue = make(head, "ellipse", {
    class: "face-tongue",
    "clip-path": "url(#face-mouth-clip)",
    cx: MOUTH.x,
  });
  const lips = make(head, "path", { class: "face-lips" });
  make(head, "path", {
    class: "face-hair front",
    d: "M86 236 C78 128 132 70 200 70 C268 70 322 128 314 236 C306 206 292 178 272 160 C268 178 262 186 254 192 C246 172 232 152 216 140 C210 164 196 182 172 190 C174 176 172 164 168 156 C140 174 106 196 86 236 Z",
  });
  // over the hair, as drawn faces have them
  make(head, "path", { class: "face-brow left", d: "M118 194 Q146 180 174 192" });
  make(head, "path", { class: "face-brow right", d: "M226 192 Q254 180 282 194" });
  mouth = { outlines: [shape, clip, lips], tongue, drawn: "" };
  setMouth(CLOSED);
}

function round(number) {
  return Math.round(number * 10) / 10;
}

/** A I U E O and openness, 0..1. */
function setMouth(row) {
  const open = row[5];
  const smile = SMILE[document.body.dataset.expression] ?? PLAIN_SMILE;
  let wide = 1 - open;
  let high = 0;
  for (let vowel = 0; vowel < 5; vowel += 1) {
    wide += row[vowel] * WIDE[vowel];
    high += row[vowel] * HIGH[vowel];
  }
  const { x, y, half } = MOUTH;
  const [w, h] = [round(half * wide), round(HIGHEST * high)];
  const corner = round(y - smile * 0.5);
  const top = round(y + smile - h * 0.35);
  const bottom = round(y + smile + h * 1.5);
  const d = `M${x - w} ${corner} Q${x} ${top} ${x + w} ${corner} Q${x} ${bottom} ${x - w} ${corner} Z`;
  counters.mouth = open;
  if (mouth.drawn === d) {
    return;
  }
  mouth.drawn = d;
  counters.drawn += 1;
  for (const outline of mouth.outlines) {
    outline.setAttribute("d", d);
  }
  mouth.tongue.setAttribute("cy", round(y + smile + h * 0.75));
  mouth.tongue.setAttribute("rx", round(w * 0.7));
  mouth.tongue.setAttribute("ry", round(h * 0.35));
  face.style.setProperty("--mouth-open", String(round(open * 10) / 10));
}

function step() {
  const now = stageTime();
  while (tracks.length > 0 && Math.min(tracks[0].end, tracks[0].until) <= now) {
    tracks.shift();
  }
  const track = tracks[0];
  if (track === undefined) {
    frame = 0;
    setMouth(CLOSED);
    return;
  }
  const at = 6 * Math.floor((now - track.begin) * track.rate);
  setMouth(at < 0 ? CLOSED : track.rows.slice(at, at + 6).map((value) => value / 255));
  frame = requestAnimationFrame(step);
}

/** Frames for a stretch of sound that is played soon. */
export function moveMouth(message) {
  if (mouth === null || face.hidden) {
    return;
  }
  const end = message.at + message.rows.length / 6 / message.rate;
  tracks.push({ ...message, begin: message.at, end, until: Infinity });
  tracks.splice(0, tracks.length - TRACKS_KEPT);
  frame ||= requestAnimationFrame(step);
}

/** The sound of this turn ends early, at this stage time. */
export function truncateMouth(turn, at) {
  for (const track of tracks) {
    if (track.turn === turn) {
      track.until = at;
    }
  }
}

/** The sound was cut: closed at once. */
export function closeMouth() {
  tracks = [];
  if (mouth !== null) {
    cancelAnimationFrame(frame);
    frame = 0;
    setMouth(CLOSED);
  }
}

/** She says something: she breathes. */
export function speak() {
  clearTimeout(restTimer);
  document.body.toggleAttribute("data-speaking", true);
  if (mouth !== null && frame === 0) {
    setMouth(CLOSED); // the smile may be another
  }
}

/** She is silent; soon she is quite still. */
export function rest() {
  clearTimeout(restTimer);
  restTimer = setTimeout(() => {
    document.body.removeAttribute("data-speaking");
    if (mouth !== null && frame === 0) {
      setMouth(CLOSED);
    }
  }, REST_MS);
}

function blink() {
  const [least, most] = BLINK_EVERY_MS;
  blinkTimer = setTimeout(
    () => {
      if (!still.matches && !document.hidden) {
        face.classList.add("blink");
        setTimeout(() => face.classList.remove("blink"), BLINK_MS);
      }
      blink();
    },
    least + Math.random() * (most - least),
  );
}

/** Show the face or not. */
export function setFace(on) {
  face.hidden = !on;
  clearTimeout(blinkTimer);
  if (!on) {
    closeMouth();
    return;
  }
  if (mouth === null) {
    draw();
  }
  blink();
}
