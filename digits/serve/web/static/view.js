// Where things lie on the stage: what is shown fits into it, and can be enlarged and moved.

export const MOST = 8; // times as large as what just fits

// Boxes of the plane are {x, y, width, height}.
export function holds(box, points) {
  return points.every(
    ([x, y]) => x >= box.x && y >= box.y && x <= box.x + box.width && y <= box.y + box.height,
  );
}

// A box is widened to the shape of the stage: nothing on the stage lies beside the sheet.
export function widened(box, { width, height }) {
  const ratio = width / height;
  const wide = Math.max(box.width, box.height * ratio),
    high = Math.max(box.height, box.width / ratio);
  return { x: box.x - (wide - box.width) / 2, y: box.y - (high - box.height) / 2, width: wide, height: high };
}

export class View {
  #zoom = 1;
  #centre = [0.5, 0.5]; // in shares of what is shown

  constructor(stage) {
    this.stage = stage;
  }

  get zoom() {
    return this.#zoom;
  }

  get size() {
    return { width: Math.max(1, this.stage.clientWidth), height: Math.max(1, this.stage.clientHeight) };
  }

  // How `shown` lies on the stage, in CSS pixels: x * scale + left, y * scale + top.
  place(shown) {
    const { width, height } = this.size;
    const scale = this.#zoom * Math.min(width / shown.width, height / shown.height);
    const along = (side, extent, centre) => {
      if (extent <= side) return (side - extent) / 2;
      return Math.min(0, Math.max(side - extent, side / 2 - centre * extent));
    };
    return {
      scale,
      left: along(width, shown.width * scale, this.#centre[0]) - shown.x * scale,
      top: along(height, shown.height * scale, this.#centre[1]) - shown.y * scale,
    };
  }

  // A point of the screen on the stage, in CSS pixels.
  on({ clientX, clientY }) {
    const edge = this.stage.getBoundingClientRect();
    return [clientX - edge.left - this.stage.clientLeft, clientY - edge.top - this.stage.clientTop];
  }

  // The point of the plane at a point of the screen.
  under(shown, event) {
    const [x, y] = this.on(event);
    const { scale, left, top } = this.place(shown);
    return [(x - left) / scale, (y - top) / scale];
  }

  // Enlarges so that a point of the plane comes to lie at a point of the screen.
  bring(shown, [x, y], event, zoom) {
    this.#zoom = Math.min(MOST, Math.max(1, zoom));
    const [atX, atY] = this.on(event);
    const { width, height } = this.size;
    const { scale } = this.place(shown);
    const centre = (share, extent, side, at) => share + (side / 2 - at) / (extent * scale);
    this.#centre = [
      centre((x - shown.x) / shown.width, shown.width, width, atX),
      centre((y - shown.y) / shown.height, shown.height, height, atY),
    ].map((share) => Math.min(1, Math.max(0, share)));
  }

  // Enlarges around the middle of the stage.
  enlarge(shown, factor) {
    const edge = this.stage.getBoundingClientRect();
    const middle = { clientX: edge.left + edge.width / 2, clientY: edge.top + edge.height / 2 };
    this.bring(shown, this.under(shown, middle), middle, this.#zoom * factor);
  }

  move(shown, dx, dy) {
    const { width, height } = this.size;
    const { scale, left, top } = this.place(shown);
    const share = (side, start, extent, by) => Math.min(1, Math.max(0, (side / 2 - start - by) / extent));
    this.#centre = [
      share(width, left + shown.x * scale, shown.width * scale, dx),
      share(height, top + shown.y * scale, shown.height * scale, dy),
    ];
  }

  whole() {
    this.#zoom = 1;
    this.#centre = [0.5, 0.5];
  }
}
