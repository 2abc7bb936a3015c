// Shows the number that was read, and each digit as the models see it.

import { bars, nearest, picture } from "./bars.js";
import { $, element, say } from "./dom.js";
import { aloud, plural, summary } from "./verdicts.js";

const FEW = 6; // digits that are all shown in full
const MANY = 48; // digits beyond which the number is written small
const [SHORT, LONG] = [8, 16]; // digits of a row beyond which it is written smaller, and small
const CHUNK = 24; // cards that are made at once

const STATES = {
  reading: "Reading \u2026",
  slow: "Still reading. It takes longer than usual.",
  busy: "The reader is busy with other pictures. Yours is asked for again in a moment.",
  late: "This takes the reader too long just now. It is asked again.",
  partial: "The other models give no answer: this is too much at once, or one is out of order.",
  down: "The reader cannot be reached. Your sheet is kept, and read as soon as it is back.",
};

export class Results {
  #cards = new Map(); // what a card shows -> the card: those of digits that stay as they are stay, too
  #shown = CHUNK;
  #chosen = 0; // place in the list that the Tab key reaches
  #speaking = 0;
  #result = null;
  #closed = []; // digits that one line stands for
  #tiled = null; // those whose tiles are made

  // `open(view)` is called for a digit that a person wants to correct, `reached(index)` for the one
  // that the keyboard is at, -1 for none.
  constructor(service, { open, reached }) {
    this.service = service;
    this.list = $("digits");
    this.agreed = $("agreed");
    this.open = open;
    const view = (target) => this.#result?.views[target.closest?.("[data-index]")?.dataset.index];
    for (const place of [this.list, this.agreed]) {
      place.addEventListener("click", (event) => {
        const at = view(event.target);
        if (at) open(at);
      });
      place.addEventListener("focusin", (event) => {
        const at = view(event.target);
        if (!at) return;
        this.#stop(this.items.indexOf(event.target));
        reached(at.index);
      });
      place.addEventListener("focusout", () => reached(-1));
      place.addEventListener("pointerover", (event) => reached(view(event.target)?.index ?? -1));
      place.addEventListener("pointerleave", () => reached(view(document.activeElement)?.index ?? -1));
    }
    this.agreed.addEventListener("toggle", () => this.#showTiles());
    $("more").addEventListener("click", () => {
      const first = this.#shown;
      this.#shown += CHUNK;
      this.#showCards();
      this.items[first]?.focus();
    });
  }

  // Everything that stands for a digit, in the order of the page.
  get items() {
    return [...this.list.querySelectorAll("[data-index]"), ...this.agreed.querySelectorAll("[data-index]")];
  }

  show(result) {
    const count = (one) => one?.views.length ?? 0;
    if (count(result) < count(this.#result)) this.#shown = CHUNK;
    this.#result = result;
    this.#showNumber();
    this.#showCards();
  }

  // What there is to say while there is no answer yet, or none to what is on the sheet now.
  showState(state, stale) {
    const quick = state === "resting" || state === "reading";
    // An answer that takes no time is not announced.
    say($("state"), state === "resting" || (state === "reading" && this.#result) ? "" : STATES[state]);
    $("reading").classList.toggle("stale", stale && !quick);
    if (!quick) this.speak(STATES[state]);
  }

  speak(text) {
    // Not every state of a drawing is said, only the one that stays for a moment.
    clearTimeout(this.#speaking);
    this.#speaking = setTimeout(() => {
      if ($("spoken").textContent !== text) $("spoken").textContent = text;
    }, 600);
  }

  #showNumber() {
    const result = this.#result,
      place = $("number");
    const views = result?.views ?? [];
    $("said").hidden = !views.length;
    place.replaceChildren();
    if (!views.length) {
      say(
        $("summary"),
        result ? "No digit found. Write larger, or take the picture closer and straight." : "",
      );
      return this.speak($("summary").textContent);
    }
    const longest = Math.max(...result.rows.map((row) => row.length));
    place.classList.toggle("long", longest > LONG || views.length > MANY);
    place.classList.toggle("middle", longest > SHORT || result.rows.length > 2);
    for (const row of result.rows) {
      const line = element("div");
      // One piece of the document for all digits in a row that are of one state.
      for (const { state, label } of row) {
        const last = line.lastChild;
        const apart = last ? result.apart : "";
        if (state === "withheld")
          line.append(apart, element("span", "withheld", label, element("sup", "", "?")));
        else if (last?.className === state) last.append(apart + label);
        else line.append(apart, element("span", state, label));
      }
      place.append(line);
    }
    place.normalize();
    // What can be scrolled can be reached with the keyboard.
    if (place.scrollWidth > place.clientWidth || place.scrollHeight > place.clientHeight) place.tabIndex = 0;
    else place.removeAttribute("tabindex");
    const { count, notes, agreement } = summary(result);
    const line = $("summary");
    line.hidden = false;
    line.replaceChildren(
      count,
      ...notes.flatMap(({ state, text }) => [", ", element("strong", state, text)]),
      agreement && `; ${agreement}`,
    );
    this.speak(`${aloud(result)} ${agreement}`);
  }

  #showCards() {
    const views = this.#result?.views ?? [];
    const focused = document.activeElement?.closest?.("[data-index]");
    const at = focused ? this.items.indexOf(focused) : -1;
    const few = views.length <= FEW;
    const open = few ? views : views.filter((view) => view.open);
    const closed = few ? [] : views.filter((view) => !view.open);
    const old = this.#cards;
    this.#cards = new Map();
    const cards = open.slice(0, this.#shown).map((view) => {
      const key = JSON.stringify([view.index, view.state, view.label, view.digit]);
      this.#cards.set(key, old.get(key) ?? this.#card(view));
      return this.#cards.get(key);
    });
    const changed = cards.findIndex((card, place) => card !== this.list.children[place]);
    if (changed >= 0) {
      while (this.list.children.length > changed) this.list.lastChild.remove();
      this.list.append(...cards.slice(changed));
    }
    while (this.list.children.length > cards.length) this.list.lastChild.remove();
    const rest = open.length - cards.length;
    say(
      $("more"),
      rest ? `Show ${Math.min(CHUNK, rest)} more of the ${rest} that the models do not agree on` : "",
    );
    this.#closed = closed;
    this.agreed.hidden = !closed.length;
    say(
      $("agreed-count"),
      `${plural(closed.length, "digit")} on which ${open.length ? "the" : "all"} models agree`,
    );
    this.#showTiles();
    $("hint").hidden = !views.length;
    if (at >= 0) this.items[Math.min(at, this.items.length - 1)]?.focus({ preventScroll: true });
    this.#stop(Math.max(0, at));
  }

  #showTiles() {
    const views = this.agreed.open ? this.#closed : [];
    if (views === this.#tiled) return;
    this.#tiled = views;
    $("tiles").replaceChildren(
      ...views.map((view) => {
        const button = element("button", "tile", picture(view.digit.image), view.mark);
        button.type = "button";
        button.dataset.index = view.index;
        button.tabIndex = -1;
        button.setAttribute("aria-label", `${view.name} ${view.models}. Correct it`);
        return element("li", "", button);
      }),
    );
  }

  #card(view) {
    const { digit } = view;
    const button = element("button", `digit ${view.state}`);
    button.type = "button";
    button.dataset.index = view.index;
    button.setAttribute("aria-label", `${view.name} ${view.models}. Correct it`);
    const unlike = view.state === "withheld" && view.said.withheld === "unlike";
    const said = element("span", "verdict", element("b", "", view.mark), element("small", "", view.detail));
    button.append(
      picture(digit.image),
      said,
      bars(
        digit.predictions,
        this.service.models.map(({ name }) => name),
        this.service.classes,
      ),
    );
    if (unlike && digit.nearest.length) button.append(nearest(view));
    return element("li", "", button);
  }

  #stop(place) {
    this.#chosen = place;
    this.items.forEach((item, index) => (item.tabIndex = index === place ? 0 : -1));
  }

  // Moves from digit to digit: by so many places, or to the first or last one.
  step(by) {
    const inside = document.activeElement?.closest?.("[data-index]");
    const at = inside ? this.items.indexOf(inside) + by : Math.max(0, this.#chosen);
    if (at >= this.list.children.length && this.#closed.length && !this.agreed.open) {
      this.agreed.open = true;
      this.#showTiles();
    }
    const { items } = this;
    items[Math.min(items.length - 1, Math.max(0, at))]?.focus();
  }

  // The digit that is at an index, to come back to it.
  focus(index) {
    this.items.find((item) => Number(item.dataset.index) === index)?.focus({ preventScroll: true });
  }
}
