// The keyboard: undo and redo as everywhere, arrows from digit to digit, and single letters.

import { $ } from "./dom.js";

// `actions` are {undo, redo, clear, open, zoom(by), pen(by), step(by)}; `busy()` tells that
// something else has the keyboard.
export function listen(actions, busy) {
  addEventListener("keydown", (event) => {
    if (busy() || event.altKey) return;
    const key = event.key.toLowerCase();
    if (event.ctrlKey || event.metaKey) {
      const wanted =
        key === "z"
          ? event.shiftKey
            ? actions.redo
            : actions.undo
          : key === "y" && !event.shiftKey
            ? actions.redo
            : null;
      if (wanted) {
        event.preventDefault();
        wanted();
      }
      return;
    }
    if (event.target.matches("select, #pen, #number") && !/^[a-z[\]]$/.test(key)) return;
    if (event.target.matches("select")) return; // letters choose there
    const inside = event.target.closest?.("[data-index]");
    const steps = { arrowright: 1, arrowleft: -1, ...(inside && { home: -Infinity, end: Infinity }) };
    if (key in steps) {
      event.preventDefault();
      return actions.step(steps[key]);
    }
    if (!$("shortcuts").checked) return;
    const letters = {
      z: event.shiftKey ? actions.redo : actions.undo,
      y: actions.redo,
      c: actions.clear,
      o: actions.open,
      "+": () => actions.zoom(1),
      "-": () => actions.zoom(-1),
      0: () => actions.zoom(0),
      "[": () => actions.pen(-2),
      "]": () => actions.pen(2),
    };
    letters[key]?.();
  });

  // Who speaks to the computer may say a letter without meaning a key (WCAG 2.1.4).
  const show = () => document.body.classList.toggle("no-shortcuts", !$("shortcuts").checked);
  $("shortcuts").checked = remembered("shortcuts") !== "off";
  $("shortcuts").addEventListener("change", () => {
    show();
    remember("shortcuts", $("shortcuts").checked ? "on" : "off");
  });
  show();
}

// Where nothing may be stored, a choice lasts until the page is left.
export function remembered(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

export function remember(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch {
    /* as said */
  }
}
