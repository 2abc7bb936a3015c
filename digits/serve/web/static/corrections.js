// Makes what the service has stored the same as what the sheet says is corrected.

import { insist } from "./reading.js";

// Events: "stored" after every change of what is stored, "waiting" where the service gives no answer,
// "failed" with the reason for which what it has stored stands in place of a correction.
export class Corrections extends EventTarget {
  #stored = new Map(); // image -> {label, ids} that the service has
  #seen = new Map(); // image -> what the service has to be told with a correction
  #busy = false;

  constructor(sheet, service) {
    super();
    this.sheet = sheet;
    this.service = service;
  }

  get count() {
    return this.#stored.size;
  }

  // What the models said last of the digits that are corrected.
  note(answer) {
    const { corrected } = this.sheet;
    for (const image of this.#seen.keys()) if (!(image in corrected)) this.#seen.delete(image);
    for (const digit of answer.digits) {
      this.#seen.set(
        digit.image,
        Object.fromEntries(Object.entries(digit.predictions).map(([name, { label }]) => [name, label])),
      );
    }
  }

  saved() {
    return [...this.#stored];
  }

  load(stored) {
    this.#stored = new Map(stored);
    this.dispatchEvent(new Event("stored"));
  }

  async settle() {
    if (this.#busy || !this.service.feedback) return;
    this.#busy = true;
    for (let image; (image = this.#next()) !== undefined;)
      await this.#store(image, this.sheet.corrected[image] ?? null);
    this.#busy = false;
  }

  #next() {
    const { corrected } = this.sheet;
    const images = [
      ...Object.keys(corrected).filter((image) => this.#seen.has(image)),
      ...this.#stored.keys(),
    ];
    return images.find((image) => (corrected[image] ?? null) !== (this.#stored.get(image)?.label ?? null));
  }

  async #store(image, label) {
    const { ids = [], label: before = null } = this.#stored.get(image) ?? {};
    if (label === null) {
      for (const id of ids) {
        const reply = await insist(
          `/api/feedback/${encodeURIComponent(id)}`,
          { method: "DELETE" },
          this.#waits,
        );
        if (reply.status !== 204 && reply.status !== 404) return this.#failed(image, before, reply);
      }
      this.#stored.delete(image);
    } else {
      const body = JSON.stringify({ image, label, predictions: this.#seen.get(image) });
      const reply = await insist(
        "/api/feedback",
        { method: "POST", headers: { "content-type": "application/json" }, body },
        this.#waits,
      );
      if (reply.status !== 201) return this.#failed(image, before, reply);
      this.#stored.set(image, { label, ids: [...ids, reply.body.id] });
    }
    this.dispatchEvent(new Event("stored"));
  }

  #waits = () => this.dispatchEvent(new Event("waiting"));

  #failed(image, label, { body }) {
    this.sheet.restore(image, label);
    this.dispatchEvent(new CustomEvent("failed", { detail: body?.detail ?? "the reader gave no answer" }));
  }
}
