// Boxes around the digits on the stage, each with a tag where there is room for one.

import { $, element } from "./dom.js";
import { percent } from "./verdicts.js";

const PAD = 4; // CSS pixels between ink and box, less where digits stand close
const GAP = 2; // CSS pixels between box and tag
const FONT = "system-ui, sans-serif";

// How tags are written, the fullest way first: all tags of a page are written in the same way.
const WAYS = [
  { size: 13, scored: true },
  { size: 13, scored: false },
  { size: 10, scored: false },
];
const STRIP = 40; // CSS pixels
const MOST = 0.9; // of the tags must find room where they are written in that way

const meter = document.createElement("canvas").getContext("2d");
function wide(text, size) {
  meter.font = `600 ${size}px ${FONT}`;
  return meter.measureText(text).width + 0.8 * size;
}

// Shorter than elsewhere, and never rounded up to certainty.
const short = (score) => (score > 0.99 ? ">99%" : percent(score));

const meet = (a, b) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];

export class Boxes {
  #places = []; // {index, box, tag} in CSS pixels of the stage
  #result = null;
  #reached = -1;

  constructor(stage) {
    this.stage = stage;
    stage.addEventListener("view", () => this.show(this.#result));
  }

  show(result) {
    this.#result = result;
    this.#places = result?.views.length ? this.#lay(result) : [];
    const { width, height } = this.stage.view.size;
    // In shares of the stage: they stay in place where it is printed in another size.
    const put = (made, [left, top, right, bottom]) => {
      made.style.left = `${(100 * left) / width}%`;
      made.style.top = `${(100 * top) / height}%`;
      made.style.width = `${(100 * (right - left)) / width}%`;
      made.style.height = `${(100 * (bottom - top)) / height}%`;
      return made;
    };
    $("boxes").replaceChildren(
      ...this.#places.flatMap(({ index, box, tag }) => {
        const { state } = result.views[index];
        const made = put(element("div", `box ${state}${index === this.#reached ? " reached" : ""}`), box);
        if (!tag) return [made];
        const shown = put(element("div", `tag ${state}`, tag.mark), tag.box);
        if (tag.score) shown.append(element("small", "", tag.score));
        shown.style.fontSize = `${tag.size}px`;
        return [made, shown];
      }),
    );
  }

  // The digit that the keyboard is at, -1 for none.
  reach(index) {
    this.#reached = index;
    const boxes = $("boxes").querySelectorAll(".box");
    this.#places.forEach(({ index: own }, place) => boxes[place]?.classList.toggle("reached", own === index));
  }

  // What a tap points at: a digit, or the tag that tells of it.
  at(event) {
    const [x, y] = this.stage.view.on(event);
    const inside = ([left, top, right, bottom]) => x >= left && x < right && y >= top && y < bottom;
    const found =
      this.#places.find(({ box }) => inside(box)) ?? this.#places.find(({ tag }) => tag && inside(tag.box));
    return found ? this.#result.views[found.index] : null;
  }

  #lay({ answer, views }) {
    const {
      plane,
      placement: { scale, left, top },
    } = this.stage;
    const frame = answer.frame ?? plane;
    const across = (scale * frame.width) / answer.width,
      down = (scale * frame.height) / answer.height;
    const [x0, y0] = [left + frame.x * scale, top + frame.y * scale];
    const sides = views.map(({ digit: { box } }) => [
      x0 + box[0] * across,
      y0 + box[1] * down,
      x0 + box[2] * across,
      y0 + box[3] * down,
    ]);
    const heights = sides.map(([, above, , below]) => below - above).sort((a, b) => a - b);
    const pad = Math.min(PAD, heights[heights.length >> 1] / 10);
    const boxes = sides.map(([l, t, r, b]) => [l - pad, t - pad, r + pad, b + pad]);
    const tags = this.#tags(views, boxes);
    return views.map((_, index) => ({ index, box: boxes[index], tag: tags[index] }));
  }

  #tags(views, boxes) {
    const near = new Neighbours(boxes);
    const { width, height } = this.stage.view.size;
    const seen = boxes.map((box) => meet(box, [0, 0, width, height]));
    let last = [];
    for (const way of WAYS) {
      const taken = new Neighbours([]);
      last = views.map((view, index) =>
        seen[index] ? this.#tag(view, index, way, boxes, near, taken) : null,
      );
      if (last.filter(Boolean).length >= MOST * seen.filter(Boolean).length) return last;
    }
    // Too close for tags: only those that a person should look at have one, if there is room.
    return last.map((tag, index) => (views[index].open ? tag : null));
  }

  // A tag above its box, or below where that is the edge of the stage: none covers a digit or
  // another tag, and between two rows it belongs to the lower one.
  #tag(view, index, { size, scored }, boxes, near, taken) {
    const { width, height } = this.stage.view.size;
    const [left, top, , bottom] = boxes[index];
    const told = scored && view.state !== "corrected" && view.said.withheld !== "unlike";
    const score = told ? short(view.said.score) : "";
    const high = Math.round(size * 1.5);
    const broad = Math.max(high, wide(score ? `${view.mark} ${score}` : view.mark, size));
    const x = Math.max(1, Math.min(left, width - broad - 1));
    const y = top - GAP - high >= 0 ? top - GAP - high : bottom + GAP;
    const box = [x, y, x + broad, y + high];
    if (y + high > height || near.meet(box, index) || taken.meet(box)) return null;
    taken.add(box);
    return { mark: view.mark, score, size, box };
  }
}

// Boxes in strips of the stage, so that only near ones are compared.
class Neighbours {
  #strips = new Map();

  constructor(boxes) {
    boxes.forEach((box, index) => this.add(box, index));
  }

  #of([, top, , bottom]) {
    const strips = [];
    for (let strip = Math.floor(top / STRIP); strip <= Math.floor(bottom / STRIP); strip++)
      strips.push(strip);
    return strips;
  }

  add(box, index = -1) {
    for (const strip of this.#of(box)) {
      if (!this.#strips.has(strip)) this.#strips.set(strip, []);
      this.#strips.get(strip).push([box, index]);
    }
  }

  meet(box, but = -2) {
    return this.#of(box).some((strip) =>
      this.#strips.get(strip)?.some(([other, index]) => index !== but && meet(box, other)),
    );
  }
}
