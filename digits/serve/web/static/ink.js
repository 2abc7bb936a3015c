// Strokes on a canvas, on the screen and in the image that is sent.

const LEAST_SIDE = 512; // long side in pixels of the drawing that is sent
const MOST_SIDE = 1600; // where fine strokes need more
const FINEST = 3; // pixels that the finest stroke is wide then

export function trace(context, stroke, colour) {
  const points = stroke.points;
  context.strokeStyle = context.fillStyle = colour;
  context.lineWidth = stroke.width;
  context.lineCap = context.lineJoin = "round";
  context.beginPath();
  if (points.length === 1) {
    context.arc(...points[0], stroke.width / 2, 0, 2 * Math.PI);
    context.fill();
    return;
  }
  context.moveTo(...points[0]);
  for (let i = 1; i < points.length - 1; i++) {
    const [x, y] = points[i],
      [nextX, nextY] = points[i + 1];
    context.quadraticCurveTo(x, y, (x + nextX) / 2, (y + nextY) / 2);
  }
  context.lineTo(...points[points.length - 1]);
  context.stroke();
}

export function canvas(width, height) {
  const made = document.createElement("canvas");
  made.width = Math.max(1, Math.round(width));
  made.height = Math.max(1, Math.round(height));
  return [made, made.getContext("2d")];
}

// Dark ink on white, as a PNG file.
export function png(strokes, frame) {
  const side = Math.max(frame.width, frame.height);
  const finest = Math.min(...strokes.map((stroke) => stroke.width));
  const scale = Math.min(MOST_SIDE / side, Math.max(LEAST_SIDE / side, FINEST / finest));
  const [flat, context] = canvas(frame.width * scale, frame.height * scale);
  context.fillStyle = "#fff";
  context.fillRect(0, 0, flat.width, flat.height);
  context.scale(flat.width / frame.width, flat.height / frame.height);
  context.translate(-frame.x, -frame.y);
  for (const stroke of strokes) trace(context, stroke, "#000");
  return new Promise((resolve) => flat.toBlob(resolve, "image/png"));
}
