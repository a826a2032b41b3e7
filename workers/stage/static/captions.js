// The caption of the clause that is being said, word by word. A word's share of the clause is
// its share of the letters; one timer waits for the next word, and nothing runs between words.

import { stageTime } from "./sound.js";

const LINGER_MS = 1500; // a caption stays this long after the turn
const LATE_S = 0.05; // words wait if the sound is missing for longer than this
const WITHOUT_SPACES = /[\u2e80-\u312f\u31a0-\u9fff\uf900-\ufaff\uff66-\uff9f]/u;
const LETTER = /[\p{L}\p{N}]/u;

const caption = document.getElementById("caption");
const speaker = document.getElementById("speaker");
const text = document.getElementById("text");

let shown = null; // {turn, clause, begin, length, until, words, next}
let wordTimer = 0;
let clearTimer = 0;

/** Words with what follows them up to the next; joined they are the text again. */
function wordsOf(line) {
  const words = [];
  for (const piece of line.match(/\s*\S+\s*/gu) || []) {
    if (!WITHOUT_SPACES.test(piece) || !("Segmenter" in Intl)) {
      words.push(piece);
      continue;
    }
    for (const part of new Intl.Segmenter("ja", { granularity: "word" }).segment(piece)) {
      if (part.isWordLike || words.length === 0) {
        words.push(part.segment);
      } else {
        words[words.length - 1] += part.segment;
      }
    }
  }
  return words;
}

function letters(word) {
  return [...word].filter((char) => LETTER.test(char)).length || 1;
}

/** Fill the line; each word learns at which part of the clause, 0..1, it begins. */
function setText(line) {
  const words = wordsOf(line);
  const total = words.reduce((sum, word) => sum + letters(word), 0);
  let before = 0;
  const elements = words.map((word) => {
    const element = document.createElement("span");
    element.className = "word";
    element.textContent = word;
    const begins = before / total;
    before += letters(word);
    return { element, begins };
  });
  text.replaceChildren(...elements.map((word) => word.element));
  return elements;
}

export function showCaption(message) {
  clearTimeout(clearTimer);
  speaker.textContent = message.speaker;
  document.documentElement.style.setProperty("--speaker-color", message.color);
  const body = document.body.dataset;
  body.persona = message.persona;
  body.emotion = message.emotion;
  body.expression = message.expression;
  shown = {
    turn: message.turn,
    clause: message.clause,
    begin: message.at,
    length: message.length,
    until: Infinity,
    words: setText(message.text),
    next: 0,
  };
  caption.classList.toggle("unvoiced", !message.voiced);
  caption.classList.add("shown");
  speakWords();
}

/** Words whose time has come; then wait for the next one. */
function speakWords() {
  clearTimeout(wordTimer);
  if (shown === null) {
    return;
  }
  const passed = Math.min(stageTime() - shown.begin, shown.until + LATE_S);
  const words = shown.words;
  const before = shown.next;
  while (shown.next < words.length && words[shown.next].begins * shown.length <= passed) {
    words[shown.next].element.classList.add("spoken");
    shown.next += 1;
  }
  if (shown.next > before) {
    words[before - 1]?.element.classList.remove("now");
    words[shown.next - 1].element.classList.add("now");
  }
  if (shown.next < words.length) {
    const wait = words[shown.next].begins * shown.length - passed;
    wordTimer = setTimeout(speakWords, Math.max(5, wait * 1000));
  }
}

function isShown(message) {
  return shown !== null && shown.turn === message.turn && shown.clause === message.clause;
}

/** The whole clause is made: this is how long it takes. */
export function setLength(message) {
  if (isShown(message)) {
    shown.length = message.length;
    speakWords();
  }
}

/** A frame of sound has come; after a gap the clause is as much later. */
export function followSound(place) {
  if (isShown(place)) {
    shown.begin = place.begin;
    shown.until = place.until;
    speakWords();
  }
}

/** No sound will come for a while, but time goes on. */
export function followClock() {
  if (shown !== null) {
    shown.until = Infinity;
    speakWords();
  }
}

/** `done`: every word of it was said. */
export function hideCaption(done) {
  clearTimeout(clearTimer);
  if (done) {
    for (const word of shown ? shown.words : []) {
      word.element.classList.add("spoken");
    }
  }
  clearTimeout(wordTimer);
  shown = null;
  clearTimer = setTimeout(
    () => {
      caption.classList.remove("shown");
      document.body.dataset.expression = "";
    },
    done ? LINGER_MS : 0,
  );
}
