// What an answer says of each digit, in words, after what was corrected.

export const NO_DIGIT = "none";

export const percent = (score) =>
  score > 0.999 ? ">99.9%" : `${(score * 100).toFixed(score > 0.99 ? 1 : 0)}%`;

export const plural = (count, one) => `${count} ${one}${count === 1 ? "" : "s"}`;
const listed = (names) =>
  names.length < 2 ? names.join() : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;

// What one model says, in a few words. An image unlike its label's digits has no percentage: the
// score tells the classes apart, and this may be of none.
export function reason(prediction) {
  if (prediction.withheld === "unlike") return `unlike any ${prediction.label}`;
  return percent(prediction.score);
}

function spoken(prediction) {
  if (prediction.withheld === "unlike") return `abstains, unlike any ${prediction.label} it was trained on`;
  return `${prediction.withheld ? "abstains, perhaps " : ""}${prediction.label}, ${percent(prediction.score)}`;
}

// One digit of an answer:
//   state    "confident", "withheld" or "corrected"
//   label    what it is taken for;  mark  the same with "?" where the answer is withheld
//   detail   why, in a few words
//   dissent  names of the models that say another label
//   open     whether a person should look at it
function verdict(digit, index, model, corrected) {
  const own = corrected[digit.image];
  const said = digit.predictions[model] ?? Object.values(digit.predictions)[0];
  const label = own ?? said.label;
  const state = own !== undefined ? "corrected" : said.confident ? "confident" : "withheld";
  const dissent = Object.keys(digit.predictions).filter((name) => digit.predictions[name].label !== label);
  const named = label === NO_DIGIT ? "no digit" : label;
  const told = state === "corrected" ? `${named}, corrected` : `${model} ${spoken(said)}`;
  return {
    digit,
    index,
    state,
    label,
    dissent,
    said,
    row: digit.row,
    mark: label === NO_DIGIT ? "\u00d7" : state === "withheld" ? `${label}?` : label,
    detail: state === "corrected" ? "corrected" : reason(said),
    open: state !== "confident" || dissent.length > 0,
    name: `Digit ${index + 1}: ${told}.`,
    models: Object.entries(digit.predictions)
      .map(([name, one]) => `${name} ${spoken(one)}`)
      .join("; "),
  };
}

// An answer as the page shows it: {model, models, views, rows, apart}.
export function judge(answer, model, corrected, classes) {
  const views = (answer?.digits ?? []).map((digit, index) => verdict(digit, index, model, corrected));
  const rows = new Map();
  for (const view of views) {
    if (view.label === NO_DIGIT) continue;
    if (!rows.has(view.row)) rows.set(view.row, []);
    rows.get(view.row).push(view);
  }
  return {
    answer,
    model,
    views,
    // While the pen moves, only one model is asked about what is new.
    models: Object.keys(views[0]?.digit.predictions ?? {}).filter((name) =>
      views.every(({ digit }) => name in digit.predictions),
    ),
    rows: [...rows.values()],
    apart: classes.some((name) => name.length > 1) ? " " : "",
  };
}

const FEW = 12; // digits whose other readings are written out

// {count, notes: [{state, text}], agreement}: what stands below the number.
export function summary({ model, models, views, rows, apart }) {
  const count = plural(views.length, "digit") + (rows.length > 1 ? ` in ${rows.length} rows` : "");
  const number = (state) => views.filter((view) => view.state === state).length;
  const notes = [];
  if (number("withheld"))
    notes.push({ state: "withheld", text: `${model} abstains on ${number("withheld")}` });
  if (number("corrected")) notes.push({ state: "corrected", text: `${number("corrected")} corrected` });
  return { count, notes, agreement: agreement({ models, views, rows, apart }) };
}

// Whether the models say the labels that stand there, corrected ones included. How confident they
// are of them is another question.
function agreement({ models, views, rows, apart }) {
  if (models.length < 2) return "";
  const differing = models.filter((name) => views.some((view) => view.dissent.includes(name)));
  if (!differing.length)
    return models.length === 2 ? "both models agree" : `all ${models.length} models agree`;
  const disputed = views.filter((view) => view.dissent.length).length;
  if (views.length > FEW) return `the models differ on ${disputed}`;
  const numbers = new Map();
  for (const name of differing) {
    const number = rows
      .map((row) => row.map(({ digit }) => digit.predictions[name].label).join(apart))
      .join(", ");
    numbers.set(number, [...(numbers.get(number) ?? []), name]);
  }
  return [...numbers]
    .map(([number, names]) =>
      number
        ? `${listed(names)} ${names.length > 1 ? "read" : "reads"} ${number}`
        : `${listed(names)} ${names.length > 1 ? "see" : "sees"} a digit`,
    )
    .join("; ");
}

// The number as text: a line a row, "?" behind what is withheld.
export const text = ({ rows, apart }) =>
  rows.map((row) => row.map(({ mark }) => mark).join(apart)).join("\n");

export function aloud({ views, rows, apart, model }) {
  const withheld = views.filter(({ state }) => state === "withheld").length;
  const number = text({ rows, apart }).replaceAll("\n", ", ").replaceAll("?", " perhaps ") || "no digit";
  return `Read ${number.replace(/ +/g, " ").trim()}.${withheld ? ` ${model} abstains on ${withheld}.` : ""}`;
}

const COLUMNS = [
  "digit",
  "row",
  "left",
  "top",
  "right",
  "bottom",
  "label",
  "corrected",
  "confident",
  "withheld",
  "score",
];

// A table of the digits, for spreadsheets (RFC 4180).
export function csv({ views, models }) {
  const head = [...COLUMNS, ...models.flatMap((name) => [name, `${name} score`])];
  const lines = views.map(({ digit, index, label, said, state, row }) => [
    index + 1,
    row + 1,
    ...digit.box,
    label,
    state === "corrected",
    said.confident,
    said.withheld ?? "",
    said.score,
    ...models.flatMap((name) => [digit.predictions[name].label, digit.predictions[name].score]),
  ]);
  return [head, ...lines].map((line) => `${line.map(cell).join(",")}\r\n`).join("");
}

// A spreadsheet takes what begins with one of these for a formula.
function cell(value) {
  const safe = typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

// The answer as the service gave it, with what was corrected.
export function json({ answer, views, model, rows, apart }) {
  const { frame: _, ...given } = answer;
  const digits = views.map(({ digit, state, label }) => ({
    ...digit,
    correction: state === "corrected" ? label : null,
  }));
  return `${JSON.stringify({ ...given, model, rows: text({ rows, apart }).split("\n"), digits }, null, 2)}\n`;
}
