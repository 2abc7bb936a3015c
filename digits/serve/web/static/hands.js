// Digits as pens write them: paths by code, no image of any data set.

// Points that the pen passes, in hundredths of a digit's height; "/" lifts it. One of a sign's hands
// is taken at random.
const HANDS = {
  0: ["56,5 30,6 10,34 9,66 27,95 54,92 72,64 72,30 50,4"],
  1: ["42,2 41,35 38,70 37,99", "30,20 39,11 46,2 45,35 43,70 42,99"],
  2: [
    "12,22 30,4 56,8 62,32 42,62 8,94 12,96 42,92 74,94",
    "10,20 34,3 60,14 56,44 30,78 10,90 14,76 32,82 52,95 74,88",
  ],
  3: ["12,12 38,2 63,16 54,38 30,47 56,53 69,74 50,95 24,97 8,86"],
  4: [
    "36,3 24,30 6,60 9,63 40,61 76,58 / 58,28 55,60 52,100",
    "12,8 9,36 14,52 36,52 62,46 / 66,4 63,40 58,99",
  ],
  5: ["20,5 18,22 14,43 18,45 42,39 66,54 66,80 42,97 8,90 / 20,5 42,6 70,3"],
  6: ["54,2 30,22 12,55 14,86 38,98 62,84 60,62 38,54 16,70"],
  7: ["8,9 36,8 68,5 70,8 52,42 38,72 32,100", "8,10 36,8 68,5 70,8 52,42 38,72 32,100 / 24,50 44,48 66,47"],
  8: ["60,14 38,2 16,16 30,42 58,62 62,86 38,98 13,84 24,60 52,40 64,20 56,10"],
  9: ["62,20 42,5 18,14 13,38 32,52 54,42 64,16 61,50 52,100"],
  // What two readers may take for two digits, and what is none.
  "4|9": ["30,4 16,26 14,46 34,52 62,44 / 54,6 61,20 58,60 54,100"],
  "1|7": ["20,14 34,10 52,3 50,30 42,66 38,100"],
  "5|6": ["62,4 34,14 18,42 20,52 48,46 66,66 52,94 24,96 12,80"],
  "3|8": ["20,20 40,3 63,16 50,40 26,50 56,56 68,78 42,98 14,82 26,60"],
  triangle: ["40,2 20,48 1,95 3,98 40,97 80,96 80,93 60,45 40,3"],
  wave: ["2,62 12,40 22,62 32,84 42,62 52,40 62,62 72,84 84,60"],
  spiral: ["44,50 50,42 40,36 30,50 40,66 60,58 64,34 44,16 18,28 12,60 32,88 66,84 84,56"],
  star: ["40,0 40,50 40,100 / 2,25 40,50 78,75 / 2,75 40,50 78,25"],
};

const point = (text) => text.split(",").map((side) => side / 100);
const paths = (hand) => hand.split(" / ").map((path) => path.split(" ").map(point));

// Random numbers from 0 to 1, the same for the same seed (xorshift, Marsaglia 2003).
export function randomly(seed) {
  let state = seed;
  const next = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
  for (let i = 0; i < 8; i++) next(); // small seeds begin with small numbers
  return next;
}

// A smooth curve through points (a Catmull-Rom spline).
function curve(points, steps = 8) {
  const at = (place) => points[Math.min(points.length - 1, Math.max(0, place))];
  const made = [points[0]];
  for (let i = 0; i < points.length - 1; i++) {
    const [p, q, r, s] = [at(i - 1), at(i), at(i + 1), at(i + 2)];
    for (let step = 1; step <= steps; step++) {
      const t = step / steps;
      // Hermite's form: through q and r, with half of what their neighbours lie apart as the slope.
      const [toR, toSlopeQ, toSlopeR] = [t * t * (3 - 2 * t), t * (1 - t) ** 2, t * t * (t - 1)];
      made.push(
        [0, 1].map(
          (axis) =>
            q[axis] +
            toR * (r[axis] - q[axis]) +
            (toSlopeQ * (r[axis] - p[axis])) / 2 +
            (toSlopeR * (s[axis] - q[axis])) / 2,
        ),
      );
    }
  }
  return made;
}

// Writes lines of signs, "" for a gap: strokes in a plane whose unit is a digit's height.
export function write(lines, { seed, width, advance = 0.98, leading = 1.5, unrest = 0.018 }) {
  const random = randomly(seed);
  const spread = (by) => (random() - 0.5) * 2 * by;
  return lines.flatMap((line, row) =>
    [...line].flatMap((sign, column) => {
      const hands = HANDS[sign];
      if (!hands) return [];
      const slant = 0.1 + spread(0.08),
        size = 1 + spread(0.08),
        thin = 0.92 + spread(0.1);
      const [left, top] = [column * advance + spread(0.05), row * leading + spread(0.06)];
      return paths(hands[Math.floor(random() * hands.length)]).map((path) => ({
        width,
        points: curve(
          path.map(([x, y]) => {
            const [across, down] = [x + spread(unrest), y + spread(unrest)];
            return [left + size * (thin * across + slant * (0.5 - down)), top + size * down];
          }),
        ),
      }));
    }),
  );
}
