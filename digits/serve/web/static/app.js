// The page: draws strokes or shows a picture, has it read, and shows what each model says.

const $ = (id) => document.getElementById(id);
const canvas = $("canvas"), stage = $("stage");
const ink = canvas.getContext("2d");
const dark = matchMedia("(prefers-color-scheme: dark)");

const SENT_SIDE = 512; // long side in pixels of the drawing that is sent
const TAP = 4; // CSS pixels; a pen that moves no further has tapped
const RETRY = 1500; // milliseconds
const TRIES = 20; // of a correction
const TAG = 30; // CSS pixels that what is read takes above or below a box
const UNREACHABLE = "The reader cannot be reached. It is asked again as soon as it is back.";
const EMPTY = "Nothing to read yet. Each digit will stand here as the models see it, with how sure each of them is.";

let service = { models: [], classes: [..."0123456789"], feedback: false, max_bytes: Infinity };
let strokes = []; // {width, points: [[x, y], ...]} in pixels of the sheet
let picture = null; // {bytes, type, bitmap} in place of strokes; the bitmap is null where there is none
let sheet = { width: 1, height: 1 };
let answer = null; // what the service said last
let chosen = 0; // the digit that the arrow keys have reached
const corrected = new Map(); // image -> label

// Drawing ---------------------------------------------------------------------------------------

function layOut() {
  // Strokes stay where they were on the sheet: a resized one is scaled as a whole.
  if (!strokes.length) sheet = { width: stage.clientWidth, height: stage.clientHeight };
  const ratio = devicePixelRatio || 1;
  canvas.width = Math.round(stage.clientWidth * ratio);
  canvas.height = Math.round(stage.clientHeight * ratio);
  redraw();
  showBoxes();
}

// Where a picture of the given size lies on the stage, in CSS pixels.
function fit(width, height) {
  const scale = Math.min(stage.clientWidth / width, stage.clientHeight / height);
  return {
    scale,
    left: (stage.clientWidth - width * scale) / 2,
    top: (stage.clientHeight - height * scale) / 2,
  };
}

function trace(context, stroke, colour) {
  const points = stroke.points;
  context.strokeStyle = context.fillStyle = colour;
  context.lineWidth = stroke.width;
  context.lineCap = context.lineJoin = "round";
  context.beginPath();
  if (points.length === 1) {
    context.arc(points[0][0], points[0][1], stroke.width / 2, 0, 2 * Math.PI);
    context.fill();
    return;
  }
  context.moveTo(...points[0]);
  for (let i = 1; i < points.length - 1; i++) {
    const [x, y] = points[i], [nextX, nextY] = points[i + 1];
    context.quadraticCurveTo(x, y, (x + nextX) / 2, (y + nextY) / 2);
  }
  context.lineTo(...points[points.length - 1]);
  context.stroke();
}

function redraw() {
  const ratio = canvas.width / stage.clientWidth;
  ink.setTransform(1, 0, 0, 1, 0, 0);
  ink.clearRect(0, 0, canvas.width, canvas.height);
  if (picture) {
    if (!picture.bitmap) return;
    const { width, height } = picture.bitmap;
    const { scale, left, top } = fit(width, height);
    ink.setTransform(ratio, 0, 0, ratio, 0, 0);
    ink.fillStyle = "#fff"; // dark ink on a transparent ground is seen in the dark as well
    ink.fillRect(left, top, width * scale, height * scale);
    ink.drawImage(picture.bitmap, left, top, width * scale, height * scale);
    return;
  }
  const { scale, left, top } = fit(sheet.width, sheet.height);
  ink.setTransform(ratio * scale, 0, 0, ratio * scale, ratio * left, ratio * top);
  const colour = getComputedStyle(stage).getPropertyValue("--ink");
  for (const stroke of strokes) trace(ink, stroke, colour);
}

let pen = null; // {id, x, y, moved, stroke, seen}: the pointer that is down
let frame = 0;

function place(event) {
  const edge = canvas.getBoundingClientRect();
  const { scale, left, top } = fit(sheet.width, sheet.height);
  return [(event.clientX - edge.left - left) / scale, (event.clientY - edge.top - top) / scale];
}

function drawSoon() {
  frame ||= requestAnimationFrame(() => {
    frame = 0;
    redraw();
  });
}

canvas.addEventListener("pointerdown", (event) => {
  if (event.button !== 0 || pen) return;
  if (!picture) event.preventDefault();
  canvas.setPointerCapture(event.pointerId);
  tapped = null;
  pen = {
    id: event.pointerId, x: event.clientX, y: event.clientY, moved: false,
    stroke: { width: Number($("pen").value), points: [place(event)] },
    seen: answer, // what a tap points at, whatever is read until the pen is up
  };
});

canvas.addEventListener("pointermove", (event) => {
  if (event.pointerId !== pen?.id) return;
  const events = event.getCoalescedEvents?.() ?? [];
  pen.stroke.points.push(...(events.length ? events : [event]).map(place));
  if (!pen.moved) {
    if (Math.hypot(event.clientX - pen.x, event.clientY - pen.y) <= TAP) return;
    pen.moved = true;
    if (!picture) strokes.push(pen.stroke);
    showState();
  }
  if (picture) return;
  drawSoon();
  readSoon();
});

canvas.addEventListener("pointerup", (event) => {
  if (event.pointerId !== pen?.id) return;
  const { moved, stroke, seen } = pen;
  pen = null;
  if (!moved) {
    tapped = digitAt(event, seen);
    if (!tapped && !picture) {
      stroke.points.length = 1;
      strokes.push(stroke);
      changed();
    }
  }
  read(); // all models, now that the pen rests
});

canvas.addEventListener("pointercancel", (event) => {
  if (event.pointerId !== pen?.id) return;
  pen = null;
  read();
});

// The keypad opens on the click that ends a tap: a click that came later would press a key of it.
let tapped = null; // the digit that was tapped
canvas.addEventListener("click", () => {
  if (tapped) correct(tapped);
  tapped = null;
});

function undo() {
  if (picture) return clear();
  if (pen || !strokes.length) return;
  strokes.pop();
  changed();
}

function clear() {
  pen = tapped = null; // a pen that is still down draws nothing any more
  strokes = [];
  picture?.bitmap?.close();
  picture = null;
  $("file").value = $("camera").value = "";
  layOut();
  changed();
}

function changed() {
  problem("");
  showState();
  redraw();
  if (strokes.length || picture) {
    if (!answer) showNumber();
    return readSoon();
  }
  cleared = ++revision;
  $("time").textContent = "";
  show(null);
}

function showState() {
  const empty = !strokes.length && !picture;
  $("empty").hidden = !empty;
  $("undo").disabled = !strokes.length;
  $("clear").disabled = empty;
  stage.classList.toggle("picture", picture !== null);
}

// Pictures --------------------------------------------------------------------------------------

let taken = 0; // number of the file that was given last

async function take(file) {
  if (!file) return;
  const mine = ++taken;
  if (file.size > service.max_bytes) {
    const most = Math.floor(service.max_bytes / 2 ** 20);
    return problem(`This picture is too large: at most ${most} MB can be read. Save it smaller.`);
  }
  // Read once: a file can change or go afterwards, and a folder is none.
  const bytes = await file.arrayBuffer().catch(() => null);
  if (mine !== taken) return;
  if (!bytes) return problem("This file cannot be read. Choose it again, or another one.");
  clear();
  const given = { bytes, type: file.type.startsWith("image/") ? file.type : "application/octet-stream" };
  picture = given;
  changed();
  const bitmap = await createImageBitmap(new Blob([bytes], { type: given.type })).catch(() => null);
  if (picture !== given) return bitmap?.close();
  picture.bitmap = bitmap;
  if (!bitmap) problem(unseen());
  redraw();
  showBoxes();
}

// What is to be said of a picture that the browser cannot show.
const unseen = () => (picture?.bitmap === null ? "This browser cannot show this kind of picture. It is read all the same." : "");

for (const [button, input] of [["open", "file"], ["photo", "camera"]]) {
  $(button).addEventListener("click", () => $(input).click());
  $(input).addEventListener("change", () => take($(input).files[0]));
}
addEventListener("paste", (event) => {
  const file = [...(event.clipboardData?.files ?? [])][0];
  if (!file) return;
  event.preventDefault();
  take(file);
});
let over = 0;
const dropping = (on) => {
  $("drop").hidden = !on;
  stage.classList.toggle("dropping", on);
};
addEventListener("dragenter", () => dropping(++over > 0));
addEventListener("dragleave", () => dropping((over = Math.max(0, over - 1)) > 0));
addEventListener("dragover", (event) => event.preventDefault());
addEventListener("drop", (event) => {
  event.preventDefault();
  over = 0;
  dropping(false);
  take(event.dataTransfer.files[0]);
});

// Reading ---------------------------------------------------------------------------------------

let revision = 0; // of drawing or picture; raised by every change
let cleared = 0; // the revision that was empty last: answers about former ones are dropped
let done = { revision: 0, whole: true }; // what was answered last, and whether by all models
let reading = false;
let changedAt = 0;

function readSoon() {
  revision++;
  changedAt = performance.now();
  read();
}

// What is to be asked now, if anything. A drawing is first read by one model, which is quick enough
// to follow the pen, and by all when the pen rests.
function next() {
  if (!strokes.length && !picture) return null;
  if (done.revision !== revision) {
    return { revision, whole: picture !== null || service.models.length < 2, first: true };
  }
  return done.whole || pen ? null : { revision, whole: true, first: false };
}

function sent() {
  if (picture) return Promise.resolve(picture.bytes);
  const scale = Math.min(1, SENT_SIDE / Math.max(sheet.width, sheet.height));
  const width = Math.max(1, Math.round(sheet.width * scale));
  const height = Math.max(1, Math.round(sheet.height * scale));
  const flat = Object.assign(document.createElement("canvas"), { width, height });
  const context = flat.getContext("2d");
  context.fillStyle = "#fff";
  context.fillRect(0, 0, width, height);
  context.scale(scale, scale);
  for (const stroke of strokes) trace(context, stroke, "#000");
  return new Promise((resolve) => flat.toBlob(resolve, "image/png"));
}

// One request at a time; when it is answered, the newest state is sent.
async function read() {
  if (reading) return;
  reading = true;
  const slow = setTimeout(() => ($("busy").hidden = false), 250);
  try {
    for (let job; (job = next()); ) await readOnce(job);
  } finally {
    clearTimeout(slow);
    $("busy").hidden = true;
    reading = false;
  }
}

async function readOnce(job) {
  const began = changedAt;
  const type = picture?.type ?? "image/png";
  const reply = await ask(`/api/predict${job.whole ? "" : `?model=${service.models[0].name}`}`, type, await sent());
  if (!reply || job.revision < cleared) return;
  done = job;
  const newest = job.revision === revision;
  if (!newest && (picture || !reply.ok)) return;
  if (!reply.ok) {
    if (picture) clear();
    show(null);
    return problem(explained(reply));
  }
  problem(unseen());
  if (!job.whole) addKnown(reply.body);
  show(reply.body);
  if (newest && job.first) {
    const took = performance.now() - began;
    document.body.dataset.took = took.toFixed(1);
    $("time").textContent = `Read in ${Math.round(took)} ms`;
  }
}

// What the service answers; null, after a pause, where it is to be asked again.
async function ask(address, type, body) {
  try {
    const response = await fetch(address, { method: "POST", headers: { "content-type": type }, body });
    const reply = { ok: response.ok, status: response.status, body: await response.json() };
    if (reply.status !== 429 && reply.status !== 503) return reply;
    if (reply.status === 503) problem("This takes the reader too long just now. It is asked again.");
  } catch {
    problem(UNREACHABLE);
  }
  await until(RETRY);
  return null;
}

// What the other models said of digits that have not changed.
function addKnown(next) {
  const known = new Map(answer?.digits.map((digit) => [digit.image, digit.predictions]));
  for (const digit of next.digits) digit.predictions = { ...known.get(digit.image), ...digit.predictions };
}

const until = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

function explained({ status, body }) {
  if (status === 413) return "This picture is too large to be read. Save it smaller and try again.";
  if (status === 415) return "This file is no picture that can be read. PNG, JPEG, GIF, BMP, WebP and TIFF are.";
  if (status === 422) return `This picture cannot be read: ${body.detail}.`;
  return `The reader had a problem (${body.detail}). Change the drawing or try again.`;
}

function problem(text) {
  const place = $("problem");
  if (place.textContent !== text) place.textContent = text;
  place.hidden = !text;
}

// Showing what was read -------------------------------------------------------------------------

const percent = (score) => (score > 0.999 ? ">99.9%" : `${(score * 100).toFixed(score > 0.99 ? 1 : 0)}%`);
const spokenLabel = (label) => (label === "none" ? "no digit" : label);

// A digit's state and words, the same wherever it is shown.
function verdict(digit) {
  const own = corrected.get(digit.image);
  if (own !== undefined) {
    return { state: "corrected", label: own, text: spokenLabel(own), detail: "corrected" };
  }
  if (digit.confident) return { state: "sure", label: digit.label, text: digit.label, detail: percent(digit.score) };
  return { state: "unsure", label: digit.label, text: `not sure: ${digit.label}?`, detail: percent(digit.score) };
}

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function show(next) {
  answer = next;
  chosen = Math.min(chosen, Math.max(0, (answer?.digits.length ?? 0) - 1));
  showNumber();
  showDigits();
  showBoxes();
}

function showNumber() {
  const place = $("number"), found = answer?.digits ?? [];
  place.replaceChildren();
  place.classList.toggle("long", found.length > 12);
  if (!found.length) {
    const text = answer ? "No digit found. Write larger, or take the picture closer and straight."
      : strokes.length || picture ? "Reading \u2026" : EMPTY;
    $("summary").textContent = text;
    speak(answer ? text : "");
    canvas.setAttribute("aria-label", `${picture ? "Picture" : "Drawing area"}: no digits`);
    return;
  }
  const rows = new Map();
  for (const digit of found) {
    const { state, label } = verdict(digit);
    if (label === "none") continue;
    if (!rows.has(digit.row)) rows.set(digit.row, []);
    rows.get(digit.row).push({ state, label });
  }
  const apart = service.classes.some((name) => name.length > 1) ? " " : "";
  for (const row of rows.values()) {
    const line = element("div");
    row.forEach(({ state, label }, index) => line.append(index ? apart : "", element("span", state, label)));
    place.append(line);
  }
  const said = [...rows.values()]
    .map((row) => row.map(({ state, label }) => (state === "unsure" ? `${label}?` : label)).join(apart))
    .join(", ") || "no digit";
  const unsure = found.filter((digit) => verdict(digit).state === "unsure").length;
  const count = `${found.length} ${found.length === 1 ? "digit" : "digits"}`;
  const others = Object.entries(answer.numbers)
    .filter(([model, numbers]) => model !== answer.model && numbers.join() !== answer.numbers[answer.model].join())
    .map(([model, numbers]) => `${model} reads ${numbers.join(", ")}`);
  const summary = $("summary");
  summary.replaceChildren(count);
  if (unsure) summary.append(", ", element("strong", "", `${unsure} not sure`));
  summary.append(others.length ? (found.length > 12 ? `; ${others.length} of the models differ` : `; ${others.join("; ")}`)
    : Object.keys(answer.numbers).length > 1 ? "; all models agree" : "");
  speak(`Read ${said.replaceAll("?", " perhaps")}. ${unsure ? `${unsure} not sure.` : ""}`);
  canvas.setAttribute("aria-label", `${picture ? "Picture" : "Drawing area"}: ${said}`);
}

let speaking = 0;
function speak(text) {
  // Not every state of a drawing is said, only the one that stays for a moment.
  clearTimeout(speaking);
  speaking = setTimeout(() => {
    if ($("spoken").textContent !== text) $("spoken").textContent = text;
  }, 600);
}

let cards = new Map();

function showDigits() {
  const found = answer?.digits ?? [];
  const focused = $("digits").contains(document.activeElement);
  // While the pen moves, most digits stay as they are: so do their cards.
  const old = cards;
  cards = new Map();
  const items = found.map((digit, index) => {
    const key = JSON.stringify([index, digit, verdict(digit), service.classes]);
    cards.set(key, old.get(key) ?? card(digit, index));
    return cards.get(key);
  });
  items.forEach((item, index) => (item.firstChild.tabIndex = index === chosen ? 0 : -1));
  const list = $("digits");
  const kept = items.findIndex((item, index) => item !== list.children[index]);
  if (kept >= 0) {
    while (list.children.length > kept) list.lastChild.remove();
    list.append(...items.slice(kept));
  }
  while (list.children.length > items.length) list.lastChild.remove();
  $("hint").hidden = !found.length;
  if (focused) $("digits").children[chosen]?.firstChild.focus({ preventScroll: true });
}

function card(digit, index) {
  const { state, text, detail } = verdict(digit);
  const item = element("li"), button = element("button", `digit ${state}`);
  button.type = "button";
  button.dataset.index = index;
  button.setAttribute("aria-label",
    `Digit ${index + 1}: ${text}, ${detail}. ` +
    Object.entries(digit.predictions).map(([name, said]) => `${name}: ${said.confident ? "" : "not sure, "}${said.label}, ${percent(said.score)}`).join("; ") +
    ". Correct it");
  const image = element("img");
  image.src = digit.image;
  image.alt = "";
  const said = element("span", "said", text);
  said.append(element("small", "", detail));
  button.append(image, opinions(digit.predictions), said);
  item.append(button);
  return item;
}

// One row of bars a model, over one axis of classes.
function opinions(models) {
  const grid = element("span", "opinions");
  grid.style.setProperty("--classes", service.classes.length);
  for (const { name } of service.models) {
    const said = models[name] ?? { confident: true, scores: {} };
    const unsure = said.confident ? "" : " unsure";
    grid.append(element("span", "model", name));
    for (const label of service.classes) {
      const bar = element("span", label === said.label ? `bar top${unsure}` : "bar");
      const fill = element("i");
      const score = said.scores[label] ?? 0;
      fill.style.height = score < 0.001 ? "0" : `${Math.max(5, score * 100)}%`;
      bar.append(fill);
      grid.append(bar);
    }
    grid.append(
      element("span", `best${unsure}`, said.label && `${said.label}${said.confident ? "" : "?"}`),
      element("span", `score${unsure}`, said.label && percent(said.score)),
    );
  }
  grid.append(element("span"));
  for (const label of service.classes) grid.append(element("span", "name", label));
  grid.append(element("span"), element("span"));
  return grid;
}

function showBoxes() {
  const found = answer?.digits ?? [];
  if (!found.length) return $("boxes").replaceChildren();
  const { scale, left, top } = fit(answer.width, answer.height);
  $("boxes").replaceChildren(...found.map((digit, index) => {
    const [x0, y0, x1, y1] = digit.box;
    const { state, label } = verdict(digit);
    const box = element("div", `box ${state}`);
    const pad = 4;
    const y = top + y0 * scale - pad;
    box.style.left = `${left + x0 * scale - pad}px`;
    box.style.top = `${y}px`;
    box.style.width = `${(x1 - x0) * scale + 2 * pad}px`;
    box.style.height = `${(y1 - y0) * scale + 2 * pad}px`;
    // What is read stands above the box, below it where there is no room, or else inside.
    const [above, below] = [y >= TAG, stage.clientHeight - (y + (y1 - y0) * scale + 2 * pad) >= TAG];
    box.classList.toggle("low", !above && below);
    box.classList.toggle("full", !above && !below);
    box.classList.toggle("chosen", index === chosen && $("digits").contains(document.activeElement));
    const tag = element("button", "", label === "none" ? "\u00d7" : state === "unsure" ? `${label}?` : label);
    tag.type = "button";
    tag.tabIndex = -1; // the same is reached with the keyboard in the list
    tag.setAttribute("aria-hidden", "true");
    tag.addEventListener("click", () => correct(digit));
    box.append(tag);
    return box;
  }));
}

// Correcting ------------------------------------------------------------------------------------

let asking = null; // the digit that the keypad is open for

// The digit of an answer that a pointer is at.
function digitAt(event, seen) {
  if (!seen) return null;
  const edge = canvas.getBoundingClientRect();
  const { scale, left, top } = fit(seen.width, seen.height);
  const x = (event.clientX - edge.left - left) / scale, y = (event.clientY - edge.top - top) / scale;
  return seen.digits.find(({ box: [x0, y0, x1, y1] }) => x >= x0 && x < x1 && y >= y0 && y < y1) ?? null;
}

function correct(digit) {
  // It may have been read anew since it was tapped.
  const index = answer?.digits.findIndex((other) => other === digit || other.image === digit.image) ?? -1;
  if (index >= 0) choose(index);
  asking = digit;
  $("keypad-image").src = digit.image;
  $("keypad-note").textContent = service.feedback
    ? "Your answer is stored with this small image, to train and test models later."
    : "Nothing is stored: corrections change this page only.";
  const now = verdict(digit).label;
  $("keypad").showModal();
  for (const key of $("keys").children) {
    if (key.value === now) {
      key.setAttribute("aria-current", "true");
      key.focus();
    } else key.removeAttribute("aria-current");
  }
}

const kept = new Map(); // image -> label that the service has stored
let storing = Promise.resolve(); // corrections are stored in the order in which they were made

function settle(label) {
  const digit = asking;
  asking = null;
  if (!label || !digit) return;
  corrected.set(digit.image, label);
  show(answer);
  if (service.feedback) storing = storing.then(() => store(digit, label));
}

async function store({ image, predictions: first }, label) {
  // By now more models may have read it than when the keypad was opened.
  const latest = answer?.digits.find((digit) => digit.image === image)?.predictions ?? first;
  const predictions = Object.fromEntries(Object.entries(latest).map(([name, said]) => [name, said.label]));
  const body = JSON.stringify({ image, label, predictions });
  let reply = null;
  for (let i = 0; i < TRIES && !reply; i++) reply = await ask("/api/feedback", "application/json", body);
  if (reply?.ok) {
    kept.set(image, label);
    stored++;
    showStorage();
    return problem(unseen());
  }
  if (corrected.get(image) === label) {
    if (kept.has(image)) corrected.set(image, kept.get(image));
    else corrected.delete(image);
  }
  show(answer);
  problem("The correction could not be stored. Please try again.");
}

let stored = 0;
function showStorage() {
  $("storage").textContent = !service.feedback ? "Nothing you draw or correct is stored."
    : stored ? `Corrections are stored on the reader\u2019s computer: ${stored} so far. Drawings are not.`
      : "Corrections that you make are stored on the reader\u2019s computer. Drawings are not.";
}

function choose(index) {
  chosen = index;
  for (const [i, item] of [...$("digits").children].entries()) item.firstChild.tabIndex = i === index ? 0 : -1;
  for (const [i, box] of [...$("boxes").children].entries()) box.classList.toggle("chosen", i === index);
}

$("digits").addEventListener("click", (event) => {
  const button = event.target.closest(".digit");
  if (button) correct(answer.digits[button.dataset.index]);
});
$("digits").addEventListener("focusin", (event) => choose(Number(event.target.dataset.index)));
$("digits").addEventListener("focusout", () => {
  for (const box of $("boxes").children) box.classList.remove("chosen");
});
$("keypad").addEventListener("close", () => {
  settle($("keypad").returnValue);
  $("keypad").returnValue = "";
  $("digits").children[chosen]?.firstChild.focus({ preventScroll: true });
});
$("keypad").addEventListener("keydown", (event) => {
  event.stopPropagation(); // the page's own keys wait
  // Nor may a key that is still down from opening the keypad press one of its keys.
  if (event.repeat && (event.key === "Enter" || event.key === " ")) event.preventDefault();
  if (event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
  const key = event.key.toLowerCase() === "n" ? "none" : event.key;
  if ([...$("keys").children].some((button) => button.value === key)) {
    event.preventDefault();
    $("keypad").close(key);
  }
});

function showKeys() {
  const keys = [...service.classes.slice(1), service.classes[0]];
  $("keys").replaceChildren(...keys.map((label) => {
    const key = element("button", "", label);
    key.value = label;
    return key;
  }));
  const none = element("button", "none", "No digit ");
  none.value = "none";
  none.append(element("kbd", "", "N"));
  $("keys").append(none);
}

// Keys ------------------------------------------------------------------------------------------

addEventListener("keydown", (event) => {
  if ($("keypad").open || event.altKey) return;
  const key = event.key.toLowerCase();
  if ((event.ctrlKey || event.metaKey) && key === "z" && !event.shiftKey) {
    event.preventDefault();
    return undo();
  }
  if (event.ctrlKey || event.metaKey) return;
  const range = event.target === $("pen");
  const count = answer?.digits.length ?? 0;
  if (!range && count && (key === "arrowright" || key === "arrowleft" || ((key === "home" || key === "end") && $("digits").contains(event.target)))) {
    const inside = $("digits").contains(document.activeElement);
    const next = key === "home" ? 0 : key === "end" ? count - 1
      : !inside ? chosen : chosen + (key === "arrowright" ? 1 : -1);
    event.preventDefault();
    $("digits").children[Math.min(count - 1, Math.max(0, next))].firstChild.focus();
  } else if (!$("shortcuts").checked) return;
  else if (key === "z") undo();
  else if (key === "c") clear();
  else if (key === "o") $("file").click();
  else if (key === "[" || key === "]") $("pen").value = Number($("pen").value) + (key === "]" ? 2 : -2);
});
// Who speaks to the computer may say a letter without meaning a key (WCAG 2.1.4).
function showShortcuts() {
  document.body.classList.toggle("no-shortcuts", !$("shortcuts").checked);
}
$("shortcuts").addEventListener("change", () => {
  showShortcuts();
  try {
    localStorage.setItem("shortcuts", $("shortcuts").checked ? "on" : "off");
  } catch { /* it lasts until the page is left, then */ }
});
try {
  $("shortcuts").checked = localStorage.getItem("shortcuts") !== "off";
} catch { /* where nothing may be stored, they are on */ }
showShortcuts();
$("undo").addEventListener("click", undo);
$("clear").addEventListener("click", clear);

// Start -----------------------------------------------------------------------------------------

async function start() {
  for (;;) {
    try {
      const response = await fetch("/api/models");
      if (!response.ok) throw new Error(response.status);
      service = await response.json();
      break;
    } catch {
      problem(UNREACHABLE);
      await until(RETRY);
    }
  }
  problem("");
  $("models").textContent = `read by ${service.models.map((model) => model.name).join(", ")}`;
  showStorage();
  showKeys();
}

new ResizeObserver(layOut).observe(stage);
dark.addEventListener("change", redraw);
showKeys();
showState();
show(null);
start();
