// The page: draws strokes or shows a picture, has it read, and shows what each model says.

import { Boxes } from "./boxes.js";
import { Corrections } from "./corrections.js";
import { $, element, say } from "./dom.js";
import { drawing, notebook, preview } from "./examples.js";
import * as gestures from "./gestures.js";
import { Keeper } from "./keep.js";
import { Keypad } from "./keypad.js";
import * as keys from "./keys.js";
import { Pictures } from "./pictures.js";
import { Reading, ask, until } from "./reading.js";
import { Results } from "./results.js";
import { Sheet } from "./sheet.js";
import { Stage } from "./stage.js";
import { offer } from "./take.js";
import { aloud, judge } from "./verdicts.js";

const SEEN = 250; // milliseconds until it is shown that the page waits
const ZOOM = 1.5; // times at each step

const service = { models: [], classes: [..."0123456789"], feedback: false, max_bytes: Infinity };
const sheet = new Sheet();
const stage = new Stage(sheet);
const reading = new Reading(sheet, () => stage.image());
const corrections = new Corrections(sheet, service);
const boxes = new Boxes(stage);
const results = new Results(service, {
  open: (view) => keypad.open(view),
  reached: (index) => boxes.reach(index),
});
const keypad = new Keypad(service, {
  settle: (view, label) => sheet.correct(view.digit.image, label),
  closed: (view) => results.focus(view.index),
});

let answer = null; // what the service said last of what is on the sheet
let answered = null; // {picture, revision} that it belongs to
let result = null; // the same as it is shown

// What changes on the sheet ---------------------------------------------------------------------

sheet.addEventListener("change", ({ detail: kind }) => {
  if (kind !== "corrected") {
    if (kind === "content") {
      say($("problem"), "");
      stage.refresh();
    }
    stage.paintSoon();
    if (sheet.empty || (answered && sheet.picture !== answered.picture)) show(null);
    reading.changed();
  } else show(answer);
  if (kind !== "drawing") {
    corrections.settle();
    keeper.soon();
  }
  showTools();
});

function showTools() {
  const { empty, picture } = sheet;
  $("empty").hidden = !empty;
  $("welcome").hidden = !empty;
  $("undo").disabled = !sheet.canUndo;
  $("redo").disabled = !sheet.canRedo;
  $("clear").disabled = empty;
  $("pen").disabled = picture !== null;
  if (empty) {
    $("time").textContent = "";
    say($("summary"), "Nothing to read yet.");
    canvasSays("empty");
  } else if (!answer) say($("summary"), "");
}

function canvasSays(text) {
  $("canvas").setAttribute("aria-label", `${sheet.picture ? "Picture" : "Drawing area"}: ${text}`);
}

// What is read of it ----------------------------------------------------------------------------

reading.addEventListener("answer", ({ detail }) => {
  if (!detail.whole) addKnown(detail.answer);
  else corrections.note(detail.answer);
  const began = performance.now();
  answered = { picture: sheet.picture, revision: detail.revision };
  show(detail.answer);
  if (detail.whole) corrections.settle();
  if (detail.took === undefined) return;
  const took = detail.took + performance.now() - began;
  document.body.dataset.took = took.toFixed(1);
  $("time").textContent = `Read in ${Math.round(took)} ms`;
});

// What the other models said of digits that have not changed.
function addKnown(next) {
  const known = new Map(answer?.digits.map((digit) => [digit.image, digit]));
  for (const digit of next.digits)
    digit.predictions = { ...known.get(digit.image)?.predictions, ...digit.predictions };
}

function show(next) {
  answer = next;
  if (!next) answered = null;
  result = next && judge(next, model(), sheet.corrected, service.classes);
  results.show(result);
  boxes.show(result);
  if (!sheet.empty) canvasSays(!result ? "not read yet" : result.views.length ? aloud(result) : "no digits");
  showState();
}

function showState() {
  results.showState(reading.state, answered !== null && answered.revision !== sheet.revision);
}

let waiting = 0;
let before = "resting";
reading.addEventListener("state", ({ detail: state }) => {
  if (before === "down") renew();
  before = state;
  clearTimeout(waiting);
  if (state === "resting" || state === "partial") $("busy").hidden = true;
  else waiting = setTimeout(() => ($("busy").hidden = false), SEEN);
  showState();
});

reading.addEventListener("refused", async ({ detail: { status, body, content } }) => {
  if ((status === 422 && (await renew())) || sheet.content !== content) return;
  if (content.bytes) sheet.refuse(content);
  else show(null);
  say($("problem"), explained(status, body));
});

function explained(status, body) {
  if (status === 413) return "This picture is too large to be read. Save it smaller and try again.";
  if (status === 415)
    return "This file is no picture that can be read. PNG, JPEG, GIF, BMP, WebP and TIFF are.";
  if (status === 422) return `This cannot be read: ${body.detail}.`;
  return `The reader had a problem (${body?.detail ?? status}). Change the drawing or try again.`;
}

const model = () => $("model").value || service.models[0]?.name;

// The model that says the number is asked first: the nearest training digits are then its own.
function ordered() {
  const names = service.models.map(({ name }) => name);
  return [model(), ...names.filter((name) => name !== model())].filter(Boolean);
}

$("model").addEventListener("change", () => {
  keys.remember("model", model());
  if (answer) show(answer);
  reading.use(ordered());
});

// What is put on it -----------------------------------------------------------------------------

const pictures = new Pictures({
  limit: () => service.max_bytes,
  begin: () => say($("problem"), ""),
  problem: (text) => say($("problem"), text),
  async taken(picture, bitmap) {
    if (!bitmap) {
      // This may be no picture: what is on the sheet stays until the service has read it.
      const { revision } = sheet;
      const reply = await reading.of(picture);
      if (sheet.revision !== revision) return;
      if (reply.status !== 200) return say($("problem"), explained(reply.status, reply.body));
      picture.size = { width: reply.body.width, height: reply.body.height };
    }
    stage.have(picture, bitmap);
    sheet.show(picture);
  },
});

for (const button of $("examples").querySelectorAll("button")) {
  const paint = () => preview(button.firstChild, button.value);
  paint();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
  button.addEventListener("click", async () => {
    const drawn = drawing(button.value);
    if (drawn) sheet.write(drawn.strokes, drawn.frame);
    else pictures.take(new File([await notebook()], "page.jpg", { type: "image/jpeg" }));
    $("reading").focus({ preventScroll: true });
  });
}

// Tools -----------------------------------------------------------------------------------------

gestures.listen({
  sheet,
  stage,
  pen: () => Number($("pen").value),
  target: (event) => boxes.at(event),
  tapped: (view) => keypad.open(result?.views.find(({ digit }) => digit.image === view.digit.image) ?? view),
});

function zoom(by) {
  if (by) stage.view.enlarge(stage.plane, ZOOM ** by);
  else stage.view.whole();
  stage.viewed();
}

stage.addEventListener("view", () => {
  const { zoom: times } = stage.view;
  $("whole").textContent = `${Math.round(100 * times)}%`;
  $("whole").disabled = $("smaller").disabled = times === 1;
  $("blind").hidden = !stage.blind;
});

const actions = {
  undo: () => sheet.undo(),
  redo: () => sheet.redo(),
  clear: () => sheet.clear(),
  open: () => $("file").click(),
  zoom,
  pen: (by) => ($("pen").value = Number($("pen").value) + by),
  step: (by) => results.step(by),
};
for (const name of ["undo", "redo", "clear"]) $(name).addEventListener("click", actions[name]);
for (const [name, by] of [
  ["smaller", -1],
  ["whole", 0],
  ["larger", 1],
])
  $(name).addEventListener("click", () => zoom(by));
keys.listen(actions, () => keypad.isOpen);
offer(() => result);

// What is stored, and where ---------------------------------------------------------------------

function showStorage() {
  const { count } = corrections;
  $("storage").textContent =
    "What you draw stays in this browser tab. " +
    (!service.feedback
      ? "Nothing is stored by the reader."
      : `Corrections are stored on the reader\u2019s computer${count ? `: ${count} so far` : ""}.`);
}

corrections.addEventListener("stored", () => {
  showStorage();
  say($("problem"), "");
  keeper.soon();
});
corrections.addEventListener("waiting", () =>
  say($("problem"), "The correction is not stored yet: the reader gives no answer. It is asked again."),
);
corrections.addEventListener("failed", ({ detail }) => {
  say($("problem"), `The correction could not be stored: ${detail}.`);
  renew();
});

const keeper = new Keeper(
  (most) => ({ ...sheet.saved(most), stored: corrections.saved() }),
  () => say($("problem"), "There is no room in this browser to keep the sheet for a reload."),
);

// Start -----------------------------------------------------------------------------------------

// What answers may be another service than the one that the page came from: with other models, or
// one that stores no corrections. Says whether it is; then it is asked for all anew.
async function renew() {
  const { status, body } = await ask("/api/models");
  return status === 200 && meet(body);
}

function meet(body) {
  if (Object.keys(body).every((name) => JSON.stringify(body[name]) === JSON.stringify(service[name])))
    return false;
  Object.assign(service, body);
  const remembered = keys.remembered("model");
  $("model").replaceChildren(
    ...service.models.map(({ name }) => {
      const option = element("option", "", name);
      option.selected = name === remembered;
      return option;
    }),
  );
  keypad.show();
  showStorage();
  reading.use(ordered());
  return true;
}

async function connect() {
  for (;;) {
    const reply = await ask("/api/models");
    if (reply.status === 200) return meet(reply.body);
    results.showState("down", false);
    await until(reply.pause);
  }
}

async function start() {
  const kept = await keeper.restore();
  if (kept && !sheet.canUndo && !sheet.drawing) {
    corrections.load(kept.stored);
    sheet.load(kept);
  }
  await connect();
  showState();
  document.body.dataset.ready = "";
}

keypad.show();
showTools();
start();
