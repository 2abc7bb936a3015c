// Example sheets, written by a pen path a digit and a hand that is not quite steady.

import { canvas, trace } from "./ink.js";

// Points that the pen passes, in a box 0.8 wide and 1 high; a digit has one stroke or two.
const HANDS = {
  0: [[[[0.56, 0.05], [0.3, 0.06], [0.1, 0.34], [0.09, 0.66], [0.27, 0.95], [0.54, 0.92], [0.72, 0.64], [0.72, 0.3], [0.5, 0.04]]]],
  1: [
    [[[0.42, 0.02], [0.41, 0.35], [0.38, 0.7], [0.37, 0.99]]],
    [[[0.3, 0.2], [0.39, 0.11], [0.46, 0.02], [0.45, 0.35], [0.43, 0.7], [0.42, 0.99]]],
  ],
  2: [
    [[[0.12, 0.22], [0.3, 0.04], [0.56, 0.08], [0.62, 0.32], [0.42, 0.62], [0.08, 0.94], [0.12, 0.96], [0.42, 0.92], [0.74, 0.94]]],
    [[[0.1, 0.2], [0.34, 0.03], [0.6, 0.14], [0.56, 0.44], [0.3, 0.78], [0.1, 0.9], [0.14, 0.76], [0.32, 0.82], [0.52, 0.95], [0.74, 0.88]]],
  ],
  3: [[[[0.12, 0.12], [0.38, 0.02], [0.63, 0.16], [0.54, 0.38], [0.3, 0.47], [0.56, 0.53], [0.69, 0.74], [0.5, 0.95], [0.24, 0.97], [0.08, 0.86]]]],
  4: [
    [[[0.36, 0.03], [0.24, 0.3], [0.06, 0.6], [0.09, 0.63], [0.4, 0.61], [0.76, 0.58]], [[0.58, 0.28], [0.55, 0.6], [0.52, 1]]],
    [[[0.12, 0.08], [0.09, 0.36], [0.14, 0.52], [0.36, 0.52], [0.62, 0.46]], [[0.66, 0.04], [0.63, 0.4], [0.58, 0.99]]],
  ],
  5: [[[[0.2, 0.05], [0.18, 0.22], [0.14, 0.43], [0.18, 0.45], [0.42, 0.39], [0.66, 0.54], [0.66, 0.8], [0.42, 0.97], [0.08, 0.9]], [[0.2, 0.05], [0.42, 0.06], [0.7, 0.03]]]],
  6: [[[[0.54, 0.02], [0.3, 0.22], [0.12, 0.55], [0.14, 0.86], [0.38, 0.98], [0.62, 0.84], [0.6, 0.62], [0.38, 0.54], [0.16, 0.7]]]],
  7: [
    [[[0.08, 0.09], [0.36, 0.08], [0.68, 0.05], [0.7, 0.08], [0.52, 0.42], [0.38, 0.72], [0.32, 1]]],
    [[[0.08, 0.1], [0.36, 0.08], [0.68, 0.05], [0.7, 0.08], [0.52, 0.42], [0.38, 0.72], [0.32, 1]], [[0.24, 0.5], [0.44, 0.48], [0.66, 0.47]]],
  ],
  8: [[[[0.6, 0.14], [0.38, 0.02], [0.16, 0.16], [0.3, 0.42], [0.58, 0.62], [0.62, 0.86], [0.38, 0.98], [0.13, 0.84], [0.24, 0.6], [0.52, 0.4], [0.64, 0.2], [0.56, 0.1]]]],
  9: [[[[0.62, 0.2], [0.42, 0.05], [0.18, 0.14], [0.13, 0.38], [0.32, 0.52], [0.54, 0.42], [0.64, 0.16], [0.61, 0.5], [0.52, 1]]]],
  // What two readers may take for two digits, and what is none.
  "4|9": [[[[0.3, 0.04], [0.16, 0.26], [0.14, 0.46], [0.34, 0.52], [0.62, 0.44]], [[0.54, 0.06], [0.61, 0.2], [0.58, 0.6], [0.54, 1]]]],
  "1|7": [[[[0.2, 0.14], [0.34, 0.1], [0.52, 0.03], [0.5, 0.3], [0.42, 0.66], [0.38, 1]]]],
  "5|6": [[[[0.62, 0.04], [0.34, 0.14], [0.18, 0.42], [0.2, 0.52], [0.48, 0.46], [0.66, 0.66], [0.52, 0.94], [0.24, 0.96], [0.12, 0.8]]]],
  "3|8": [[[[0.2, 0.2], [0.4, 0.03], [0.63, 0.16], [0.5, 0.4], [0.26, 0.5], [0.56, 0.56], [0.68, 0.78], [0.42, 0.98], [0.14, 0.82], [0.26, 0.6]]]],
  triangle: [[[[0.4, 0.02], [0.2, 0.48], [0.01, 0.95], [0.03, 0.98], [0.4, 0.97], [0.8, 0.96], [0.8, 0.93], [0.6, 0.45], [0.4, 0.03]]]],
  wave: [[[[0.02, 0.62], [0.12, 0.4], [0.22, 0.62], [0.32, 0.84], [0.42, 0.62], [0.52, 0.4], [0.62, 0.62], [0.72, 0.84], [0.84, 0.6]]]],
  spiral: [[[[0.44, 0.5], [0.5, 0.42], [0.4, 0.36], [0.3, 0.5], [0.4, 0.66], [0.6, 0.58], [0.64, 0.34], [0.44, 0.16], [0.18, 0.28], [0.12, 0.6], [0.32, 0.88], [0.66, 0.84], [0.84, 0.56]]]],
  star: [[[[0.4, 0], [0.4, 0.5], [0.4, 1]], [[0.02, 0.25], [0.4, 0.5], [0.78, 0.75]], [[0.02, 0.75], [0.4, 0.5], [0.78, 0.25]]]],
};

// A generator of random numbers from 0 to 1 (mulberry32): an example is the same every time.
function hand(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

// A smooth curve through points (a Catmull-Rom spline).
function curve(points, steps = 8) {
  const at = (place) => points[Math.min(points.length - 1, Math.max(0, place))];
  const made = [points[0]];
  for (let i = 0; i < points.length - 1; i++) {
    const [p, q, r, s] = [at(i - 1), at(i), at(i + 1), at(i + 2)];
    for (let step = 1; step <= steps; step++) {
      const t = step / steps;
      made.push([0, 1].map((axis) => q[axis] + 0.5 * t * (r[axis] - p[axis]
        + t * (2 * p[axis] - 5 * q[axis] + 4 * r[axis] - s[axis] + t * (3 * (q[axis] - r[axis]) + s[axis] - p[axis])))));
    }
  }
  return made;
}

// Writes lines of signs, "" for a gap: strokes in a plane whose unit is a digit's height.
function write(lines, { seed, width, advance = 0.98, leading = 1.5, unrest = 0.018 }) {
  const random = hand(seed), spread = (by) => (random() - 0.5) * 2 * by;
  return lines.flatMap((line, row) => [...line].flatMap((sign, column) => {
    const hands = HANDS[sign];
    if (!hands) return [];
    const slant = 0.1 + spread(0.08), size = 1 + spread(0.08), thin = 0.92 + spread(0.1);
    const [left, top] = [column * advance + spread(0.05), row * leading + spread(0.06)];
    return hands[Math.floor(random() * hands.length)].map((path) => ({
      width,
      points: curve(path.map(([x, y]) => {
        const [across, down] = [x + spread(unrest), y + spread(unrest)];
        return [left + size * (thin * across + slant * (0.5 - down)), top + size * down];
      })),
    }));
  }));
}

function extent(strokes, margin) {
  const points = strokes.flatMap((stroke) => stroke.points);
  const [xs, ys] = [0, 1].map((axis) => points.map((point) => point[axis]));
  const [left, top] = [Math.min(...xs) - margin, Math.min(...ys) - margin];
  return { x: left, y: top, width: Math.max(...xs) + margin - left, height: Math.max(...ys) + margin - top };
}

// In units that are pixels of an ordinary sheet.
function enlarged(strokes, by) {
  return strokes.map(({ width, points }) => ({ width: width * by, points: points.map(([x, y]) => [x * by, y * by]) }));
}

function numbers(count, columns, seed) {
  const random = hand(seed);
  return Array.from({ length: count / columns }, () => Array.from({ length: columns }, () => Math.floor(random() * 10)));
}

const DRAWN = {
  year: () => [enlarged(write(["1989"], { seed: 7, width: 0.09, advance: 1.05 }), 150), 110],
  phone: () => [enlarged(write(["0171 239", "4586 02"], { seed: 21, width: 0.085 }), 90), 70],
  doubt: () => [enlarged(write([["4|9", "1|7", "5|6", "3|8"]], { seed: 5, width: 0.09, advance: 1.15, unrest: 0.006 }), 130), 100],
  shapes: () => [enlarged(write([["star", "wave", "spiral", "triangle"]], { seed: 8, width: 0.09, advance: 1.3, unrest: 0.01 }), 130), 100],
  page: () => [enlarged(write(numbers(240, 20, 3), { seed: 11, width: 0.1, advance: 1.2, leading: 1.65 }), 36), 36],
};

// Example name -> {strokes, frame}, or null where it is a picture.
export function drawing(name) {
  if (!(name in DRAWN)) return null;
  const [strokes, margin] = DRAWN[name]();
  return { strokes, frame: extent(strokes, margin) };
}

// A page of a ruled notebook, photographed by a window, as a file.
export function notebook(width = 1400, height = 1000) {
  const [sheet, context] = canvas(width, height);
  const light = context.createLinearGradient(0, 0, width, height);
  for (const [at, colour] of [[0, "#f4efe2"], [0.55, "#ded7c6"], [1, "#a9a293"]]) light.addColorStop(at, colour);
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
  const strokes = enlarged(write(["3141592", "2718281", "1618033", "5772156"], { seed: 9, width: 0.1, leading: 1.615, advance: 1.05 }), 130);
  context.translate(250, 160);
  for (const stroke of strokes) trace(context, stroke, "#22305c");
  context.setTransform(1, 0, 0, 1, 0, 0);
  grain(context, width, height);
  return new Promise((resolve) => sheet.toBlob(resolve, "image/jpeg", 0.85));
}

function grain(context, width, height) {
  const random = hand(1);
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
  const { strokes, frame } = drawing(name) ?? (() => {
    const written = enlarged(write(["314", "271"], { seed: 9, width: 0.1 }), 60);
    return { strokes: written, frame: extent(written, 40) };
  })();
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, width, height);
  const scale = Math.min(width / frame.width, height / frame.height);
  context.setTransform(scale, 0, 0, scale, (width - frame.width * scale) / 2 - frame.x * scale, (height - frame.height * scale) / 2 - frame.y * scale);
  if (!(name in DRAWN)) {
    context.fillStyle = "rgb(96 130 170 / 45%)";
    for (let y = frame.y + 20; y < frame.y + frame.height; y += 48) context.fillRect(frame.x - width, y, frame.width + 2 * width, 3);
  }
  const colour = getComputedStyle(place).color;
  for (const stroke of strokes) trace(context, stroke, colour);
}
