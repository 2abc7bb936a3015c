// The stage: paints the sheet as the view has it.

import { $ } from "./dom.js";
import { png, trace } from "./ink.js";
import { View, holds, widened } from "./view.js";

const LONGEST = 3000; // pixels; a larger picture is shown reduced, to spare memory

export class Stage extends EventTarget {
  #context;
  #frame = 0;
  #shown = null; // {picture, bitmap, decoded}
  #ready = null; // the same of a picture that will be shown
  #paper = null; // colours for printing in place of the theme's

  constructor(sheet) {
    super();
    this.sheet = sheet;
    this.place = $("stage");
    this.canvas = $("canvas");
    this.view = new View(this.place);
    this.#context = this.canvas.getContext("2d");
    new ResizeObserver(() => this.#resized()).observe(this.place);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.paintSoon());
    addEventListener("beforeprint", () => this.#print("#000"));
    addEventListener("afterprint", () => this.#print(null));
  }

  // The part of the plane that is seen where nothing is enlarged.
  get plane() {
    if (this.sheet.picture) {
      const { width, height } = this.#shown?.bitmap ?? this.sheet.picture.size;
      return { x: 0, y: 0, width, height };
    }
    return widened(this.sheet.frame ?? { x: 0, y: 0, ...this.view.size }, this.view.size);
  }

  get placement() {
    return this.view.place(this.plane);
  }

  under(event) {
    return this.view.under(this.plane, event);
  }

  // The frame of a stroke that begins or ends now: a larger one where it leaves the one so far.
  frameOf(points) {
    const { frame } = this.sheet;
    return frame && holds(frame, points) ? frame : this.plane;
  }

  // The image file that is to be read, and the part of the plane that it shows.
  async image() {
    const { picture, strokes } = this.sheet;
    if (picture) return { body: picture.bytes, type: picture.type, frame: null };
    const frame = this.plane;
    return { body: await png(strokes, frame), type: "image/png", frame };
  }

  paintSoon() {
    this.#frame ||= requestAnimationFrame(() => this.paint());
  }

  paint() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    const context = this.#context;
    const ratio = this.canvas.width / this.view.size.width;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    const { scale, left, top } = this.placement;
    context.setTransform(ratio * scale, 0, 0, ratio * scale, ratio * left, ratio * top);
    if (this.sheet.picture) {
      const bitmap = this.#shown?.bitmap;
      if (!bitmap) return;
      context.fillStyle = "#fff"; // dark ink on a transparent background is seen in the dark as well
      context.fillRect(0, 0, bitmap.width, bitmap.height);
      context.drawImage(bitmap, 0, 0);
      return;
    }
    const colour = this.#paper ?? getComputedStyle(this.place).getPropertyValue("--ink");
    for (const stroke of this.sheet.strokes) trace(context, stroke, colour);
  }

  // A picture that comes next is decoded already: to `bitmap`, null where it cannot be shown.
  have(picture, bitmap) {
    this.#ready = { picture, bitmap, decoded: true };
  }

  // Shows what the sheet holds now; a picture is decoded first, unless it was already.
  async refresh() {
    const { picture } = this.sheet;
    if ((this.#shown?.picture ?? null) === picture) return this.paintSoon();
    this.#shown?.bitmap?.close();
    this.#shown =
      this.#ready?.picture === picture ? this.#ready : picture && { picture, bitmap: null, decoded: false };
    this.#ready = null;
    this.view.whole();
    this.place.classList.toggle("picture", picture !== null);
    this.viewed();
    if (!picture || this.#shown.decoded) return;
    const bitmap = await decode(picture);
    if (this.#shown?.picture !== picture) return bitmap?.close();
    this.#shown = { picture, bitmap, decoded: true };
    this.viewed();
  }

  // Whether there is a picture that the browser cannot show.
  get blind() {
    return this.#shown !== null && this.#shown.decoded && !this.#shown.bitmap;
  }

  // The view has changed: what lies on the stage has to follow.
  viewed() {
    this.place.classList.toggle("enlarged", this.view.zoom > 1);
    this.paintSoon();
    this.dispatchEvent(new Event("view"));
  }

  #resized() {
    const { width, height } = this.view.size;
    const ratio = devicePixelRatio || 1;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    this.place.style.setProperty("--shape", width / height);
    this.paint();
    this.dispatchEvent(new Event("view"));
  }

  #print(ink) {
    this.#paper = ink;
    this.paint();
  }
}

// A picture to be shown, upright; null where the browser cannot show it.
export async function decode({ bytes, type }) {
  const whole = await createImageBitmap(new Blob([bytes], { type })).catch(() => null);
  const reduce = whole && LONGEST / Math.max(whole.width, whole.height);
  if (!whole || reduce >= 1) return whole;
  const size = {
    resizeWidth: Math.round(whole.width * reduce),
    resizeHeight: Math.round(whole.height * reduce),
    resizeQuality: "medium",
  };
  const reduced = await createImageBitmap(whole, size).catch(() => whole);
  if (reduced !== whole) whole.close();
  return reduced;
}
