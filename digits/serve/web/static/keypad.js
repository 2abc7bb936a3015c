// Asks what a digit really is.

import { bars, nearest } from "./bars.js";
import { $, element, say } from "./dom.js";
import { NO_DIGIT } from "./verdicts.js";

const WITHDRAW = "withdraw";

export class Keypad {
  #asking = null; // the digit that it is open for
  #dialog = $("keypad");
  #keys = $("keys");

  // `settle(view, label)` takes the answer, null for a correction that is withdrawn; `closed(view)`
  // is called at the end of both.
  constructor(service, { settle, closed }) {
    this.service = service;
    this.settle = settle;
    this.closed = closed;
    this.#dialog.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#end(event.submitter.value);
    });
    this.#dialog.addEventListener("keydown", (event) => this.#pressed(event));
    // Whoever clicks beside it has changed their mind.
    this.#dialog.addEventListener("click", (event) => event.target === this.#dialog && this.#end(""));
    this.#dialog.addEventListener("close", () => !this.isOpen && this.#end(""));
  }

  #end(label) {
    const view = this.#asking;
    if (!view) return;
    this.#asking = null;
    this.#dialog.close();
    if (label) this.settle(view, label === WITHDRAW ? null : label);
    this.closed(view);
  }

  get isOpen() {
    return this.#dialog.open;
  }

  open(view) {
    this.#asking = view;
    const { models, classes, feedback } = this.service;
    $("keypad-image").src = view.digit.image;
    const seen = $("keypad-seen");
    seen.replaceChildren(
      bars(
        view.digit.predictions,
        models.map(({ name }) => name),
        classes,
      ),
    );
    if (view.said.withheld === "unlike" && view.digit.nearest.length) seen.append(nearest(view));
    say(
      $("keypad-note"),
      feedback
        ? "Your answer is stored with this small image, to train and test models later."
        : "Nothing is sent: corrections change this page only.",
    );
    $("withdraw").hidden = view.state !== "corrected";
    this.#dialog.showModal();
    for (const key of this.#keys.children) {
      const current = key.value === view.label;
      key.toggleAttribute("aria-current", current);
      if (current) {
        key.setAttribute("aria-current", "true");
        key.focus();
      }
    }
  }

  // The keys for the classes of the service.
  show() {
    const { classes } = this.service;
    this.#keys.replaceChildren(
      ...[...classes.slice(1), classes[0]].map((label) => {
        const key = element("button", "", label);
        key.value = label;
        return key;
      }),
    );
    const none = element("button", "none", "No digit ", element("kbd", "", "N"));
    none.value = NO_DIGIT;
    this.#keys.append(none);
  }

  #pressed(event) {
    event.stopPropagation(); // the page's own keys wait
    // Nor may a key that is still down from opening the keypad press one of its keys.
    if (event.repeat && (event.key === "Enter" || event.key === " ")) event.preventDefault();
    if (event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
    const key = event.key.toLowerCase() === "n" ? NO_DIGIT : event.key;
    const withdrawn = (event.key === "Delete" || event.key === "Backspace") && !$("withdraw").hidden;
    if (withdrawn || [...this.#keys.children].some((button) => button.value === key)) {
      event.preventDefault();
      this.#end(withdrawn ? WITHDRAW : key);
    }
  }
}
