// Takes pictures from files, the clipboard and what is dropped on the page.

import { $ } from "./dom.js";
import { decode } from "./stage.js";

// `limit()` gives the most bytes that are read; `begin()` is called when a file is looked at;
// `taken(picture, bitmap)` gets what it holds, the bitmap null where the browser cannot show it;
// `problem(text)` says why there is none.
export class Pictures {
  #last = 0; // number of the file that was given last

  constructor({ limit, begin, taken, problem }) {
    Object.assign(this, { limit, begin, taken, problem });
    for (const [button, input] of [
      ["open", "file"],
      ["photo", "camera"],
    ]) {
      $(button).addEventListener("click", () => $(input).click());
      $(input).addEventListener("change", () => {
        this.take($(input).files[0]);
        $(input).value = ""; // the same file can be chosen again
      });
    }
    addEventListener("paste", (event) => {
      const file = [...(event.clipboardData?.files ?? [])][0];
      if (!file) return;
      event.preventDefault();
      this.take(file);
    });
    this.#dropping();
  }

  async take(file) {
    if (!file) return;
    const mine = ++this.#last;
    if (file.size > this.limit()) {
      const most = Math.floor(this.limit() / 2 ** 20);
      return this.problem(`This picture is too large: at most ${most} MB can be read. Save it smaller.`);
    }
    this.begin();
    // Read once: a file can change or go afterwards, and a folder is none.
    const bytes = await file.arrayBuffer().catch(() => null);
    if (mine !== this.#last) return;
    if (!bytes) return this.problem("This file cannot be read. Choose it again, or another one.");
    const type = file.type.startsWith("image/") ? file.type : "application/octet-stream";
    const bitmap = await decode({ bytes, type });
    if (mine !== this.#last) return bitmap?.close();
    const id = `${Date.now()}-${mine}`;
    const size = bitmap && { width: bitmap.width, height: bitmap.height };
    this.taken({ id, bytes, type, size }, bitmap);
  }

  #dropping() {
    let over = 0;
    const show = (on) => {
      $("drop").hidden = !on;
      $("stage").classList.toggle("dropping", on);
    };
    addEventListener("dragenter", () => show(++over > 0));
    addEventListener("dragleave", () => show((over = Math.max(0, over - 1)) > 0));
    addEventListener("dragover", (event) => event.preventDefault());
    addEventListener("drop", (event) => {
      event.preventDefault();
      over = 0;
      show(false);
      this.take(event.dataTransfer.files[0]);
    });
  }
}
