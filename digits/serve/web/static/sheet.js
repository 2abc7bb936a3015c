// What is on the sheet: strokes or a picture, and what was corrected; every change can be undone.

import { History } from "./history.js";

// A state is never changed, so that states share what they have in common.
//   strokes   [{width, points: [[x, y], ...]}] in units of the sheet
//   frame     {x, y, width, height}: the part of the plane that the strokes were written on, or null
//   picture   {id, bytes, type, size} in place of strokes, or null
//   corrected {image: label}
const EMPTY = { strokes: [], frame: null, picture: null, corrected: {} };

export class Sheet extends EventTarget {
  #history = new History([EMPTY], 0);
  #live = null; // the stroke that is being drawn
  revision = 0; // raised by every change of what is to be read

  get state() {
    return this.#history.now;
  }

  get strokes() {
    return this.#live ? [...this.state.strokes, this.#live.stroke] : this.state.strokes;
  }

  get frame() {
    return this.#live ? this.#live.frame : this.state.frame;
  }

  get picture() {
    return this.state.picture;
  }

  get corrected() {
    return this.state.corrected;
  }

  get drawing() {
    return this.#live !== null;
  }

  get empty() {
    return !this.#live && !this.state.strokes.length && !this.state.picture;
  }

  // Stands for what is to be read: the same object for the same content, also after an undo.
  get content() {
    return this.state.picture ?? this.state.strokes;
  }

  get canUndo() {
    return this.#history.canUndo;
  }

  get canRedo() {
    return this.#history.canRedo;
  }

  // A pen goes down on the given frame; the stroke is an undo step once it ends.
  begin(stroke, frame) {
    this.#live = { stroke, frame };
    this.#changed("drawing");
  }

  extend(points) {
    this.#live.stroke.points.push(...points);
    this.#changed("drawing");
  }

  end() {
    const { stroke, frame } = this.#live;
    this.#live = null;
    this.#push({ strokes: [...this.state.strokes, stroke], frame });
  }

  // The pen was no pen: two fingers that zoom, for instance.
  drop() {
    if (!this.#live) return;
    this.#live = null;
    this.#changed();
  }

  write(strokes, frame) {
    this.#live = null; // a pen that is still down draws nothing any more
    this.#push({ strokes, frame, picture: null });
  }

  show(picture) {
    this.#live = null;
    this.#push({ strokes: [], frame: null, picture });
  }

  clear() {
    this.drop();
    if (!this.empty) this.#push({ strokes: [], frame: null, picture: null });
  }

  // A picture that turns out to be none was never there.
  refuse(picture) {
    this.#history.remove((state) => state.picture === picture);
    this.#changed();
  }

  // `label` null withdraws the correction.
  correct(image, label) {
    const { [image]: _, ...others } = this.corrected;
    this.#push({ corrected: label === null ? others : { ...others, [image]: label } });
  }

  // A correction could not be stored: no state claims it.
  restore(image, label) {
    this.#history.rewrite((state) => {
      const { [image]: _, ...others } = state.corrected;
      return { ...state, corrected: label === null ? others : { ...others, [image]: label } };
    });
    this.#changed("corrected");
  }

  undo() {
    this.#step(() => this.#history.undo());
  }

  redo() {
    this.#step(() => this.#history.redo());
  }

  saved(most) {
    return this.#history.saved(most);
  }

  load({ states, at }) {
    this.#history = new History(states, at);
    this.#changed();
  }

  #push(change) {
    const before = this.content;
    this.#history.push({ ...this.state, ...change });
    this.#changed(this.content === before ? "corrected" : "content");
  }

  #step(move) {
    if (this.drawing) return;
    const before = this.content;
    move();
    this.#changed(this.content === before ? "corrected" : "content");
  }

  #changed(kind = "content") {
    if (kind !== "corrected") this.revision++;
    this.dispatchEvent(new CustomEvent("change", { detail: kind }));
  }
}
