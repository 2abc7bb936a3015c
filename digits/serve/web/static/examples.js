// Example sheets to try the page with, each the same every time.

import { randomly, write } from "./hands.js";
import { canvas, trace } from "./ink.js";

function extent(strokes, margin) {
  const points = strokes.flatMap((stroke) => stroke.points);
  const [xs, ys] = [0, 1].map((axis) => points.map((point) => point[axis]));
  const [left, top] = [Math.min(...xs) - margin, Math.min(...ys) - margin];
  return { x: left, y: top, width: Math.max(...xs) + margin - left, height: Math.max(...ys) + margin - top };
}

// Lines of digits so many pixels high.
function written(lines, size, style) {
  return write(lines, style).map(({ width, points }) => ({
    width: width * size,
    points: points.map(([x, y]) => [x * size, y * size]),
  }));
}

function numbers(count, columns, seed) {
  const random = randomly(seed);
  return Array.from({ length: count / columns }, () =>
    Array.from({ length: columns }, () => Math.floor(random() * 10)),
  );
}

// [strokes, margin] of those that are drawn.
const DRAWN = {
  year: () => [written(["1989"], 150, { seed: 7, width: 0.09, advance: 1.05 }), 110],
  phone: () => [written(["0171 239", "4586 02"], 90, { seed: 21, width: 0.085 }), 70],
  doubt: () => [
    written([["4|9", "1|7", "5|6", "3|8"]], 130, { seed: 5, width: 0.09, advance: 1.15, unrest: 0.006 }),
    100,
  ],
  shapes: () => [
    written([["star", "wave", "spiral", "triangle"]], 130, {
      seed: 8,
      width: 0.09,
      advance: 1.3,
      unrest: 0.01,
    }),
    100,
  ],
  page: () => [written(numbers(240, 20, 3), 36, { seed: 11, width: 0.1, advance: 1.2, leading: 1.65 }), 36],
};

// Example name -> {strokes, frame}, or null where it is a picture.
export function drawing(name) {
  if (!(name in DRAWN)) return null;
  const [strokes, margin] = DRAWN[name]();
  return { strokes, frame: extent(strokes, margin) };
}

const CONSTANTS = ["3141592", "2718281", "1618033", "5772156"];

// A page of a ruled notebook, photographed by a window, as a file.
export function notebook(width = 1400, height = 1000) {
  const [sheet, context] = canvas(width, height);
  const light = context.createLinearGradient(0, 0, width, height);
  for (const [at, colour] of [
    [0, "#f4efe2"],
    [0.55, "#ded7c6"],
    [1, "#a9a293"],
  ])
    light.addColorStop(at, colour);
  context.fillStyle = light;
  context.fillRect(0, 0, width, height);
  context.translate(width / 2, height / 2);
  context.rotate(-0.022);
  context.translate(-width / 2, -height / 2);
  const line = (colour, ...ends) => {
    context.strokeStyle = colour;
    context.lineWidth = 2.5;
    context.beginPath();
    context.moveTo(ends[0], ends[1]);
    context.lineTo(ends[2], ends[3]);
    context.stroke();
  };
  for (let y = 100; y < height + 40; y += 105) line("rgb(96 130 170 / 55%)", -60, y, width + 60, y);
  line("rgb(190 90 90 / 60%)", 150, -60, 150, height + 60);
  const strokes = written(CONSTANTS, 130, { seed: 9, width: 0.1, leading: 1.615, advance: 1.05 });
  context.translate(250, 160);
  for (const stroke of strokes) trace(context, stroke, "#22305c");
  context.setTransform(1, 0, 0, 1, 0, 0);
  grain(context, width, height);
  return new Promise((resolve) => sheet.toBlob(resolve, "image/jpeg", 0.85));
}

function grain(context, width, height) {
  const random = randomly(1);
  const image = context.getImageData(0, 0, width, height);
  for (let i = 0; i < image.data.length; i += 4) {
    const by = (random() + random() - 1) * 14;
    for (let channel = 0; channel < 3; channel++) image.data[i + channel] += by;
  }
  context.putImageData(image, 0, 0);
}

// A small picture of an example, on the paper of the page.
export function preview(place, name) {
  const { width, height } = place;
  const context = place.getContext("2d");
  const few = written(["314", "271"], 60, { seed: 9, width: 0.1 });
  const { strokes, frame } = drawing(name) ?? { strokes: few, frame: extent(few, 40) };
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, width, height);
  const scale = Math.min(width / frame.width, height / frame.height);
  context.translate(width / 2, height / 2);
  context.scale(scale, scale);
  context.translate(-frame.x - frame.width / 2, -frame.y - frame.height / 2);
  if (!(name in DRAWN)) {
    context.fillStyle = "rgb(96 130 170 / 45%)"; // ruled lines
    for (let y = 20; y < frame.height; y += 48) context.fillRect(frame.x - width, frame.y + y, 3 * width, 3);
  }
  const colour = getComputedStyle(place).color;
  for (const stroke of strokes) trace(context, stroke, colour);
}
