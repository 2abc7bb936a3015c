// The scores of every model as bars, one row a model, over one axis of classes.

import { drawn, element } from "./dom.js";
import { percent } from "./verdicts.js";

const STEP = 10,
  WIDTH = 8,
  HEIGHT = 24; // units of the drawing
const AXIS = 2; // characters of a class's name for which there is room under its bar

export function bars(predictions, models, classes) {
  const grid = element("span", "bars");
  for (const name of models) {
    const said = predictions[name];
    const withheld = said && !said.confident ? " withheld" : "";
    grid.append(
      element("span", "model", name),
      said ? row(said, classes, withheld) : element("span"),
      element("span", `best${withheld}`, said ? `${said.label}${withheld && "?"}` : ""),
      element(
        "span",
        `score${withheld}`,
        !said ? "" : said.withheld === "unlike" ? "unlike" : percent(said.score),
      ),
    );
  }
  if (classes.every((name) => name.length <= AXIS)) {
    const axis = element("span", "axis");
    for (const name of classes) axis.append(element("span", "", name));
    grid.append(element("span"), axis, element("span"), element("span"));
  }
  return grid;
}

// One path for all bars but the highest: a page of digits stays a light document.
function row(said, classes, withheld) {
  const path = (chosen) =>
    classes
      .flatMap((name, place) => {
        const score = said.scores[name] ?? 0;
        if ((name === said.label) !== chosen || score < 0.001) return [];
        const height = Math.max(1.2, score * HEIGHT);
        const left = place * STEP + (STEP - WIDTH) / 2;
        return `M${left} ${HEIGHT}v${-height.toFixed(1)}h${WIDTH}v${height.toFixed(1)}z`;
      })
      .join("");
  return drawn(
    "svg",
    {
      class: `row${withheld}`,
      viewBox: `0 0 ${classes.length * STEP} ${HEIGHT}`,
      preserveAspectRatio: "none",
      "aria-hidden": "true",
    },
    drawn("path", { d: path(false) }),
    drawn("path", { class: "top", d: path(true) }),
  );
}

// The training digits that come nearest to an image which is unlike its label's.
export function nearest(view) {
  const shown = element(
    "span",
    "nearest",
    element("span", "", `the nearest ${view.said.label}s in training`),
  );
  for (const { image, label } of view.digit.nearest) shown.append(picture(image, label));
  return shown;
}

export function picture(source, description = "") {
  const made = element("img");
  made.src = source;
  made.alt = description;
  return made;
}
