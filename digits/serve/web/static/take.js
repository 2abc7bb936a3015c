// What was read, to take along: copied, or as a file.

import { $, say } from "./dom.js";
import { csv, json, text } from "./verdicts.js";

const SHOWN = 1600; // milliseconds

const FILES = {
  text: { name: "digits.txt", type: "text/plain", content: (result) => `${text(result)}\n` },
  json: { name: "digits.json", type: "application/json", content: json },
  csv: { name: "digits.csv", type: "text/csv", content: csv },
};

// `current()` gives what is shown now.
export function offer(current) {
  for (const [kind, { name, type, content }] of Object.entries(FILES)) {
    $(`as-${kind}`).addEventListener("click", () =>
      save(name, new Blob([content(current())], { type: `${type};charset=utf-8` })),
    );
  }
  let shown = 0;
  $("copy").addEventListener("click", async () => {
    const done = await copy(text(current()));
    say($("copied"), done ? "Copied" : "Select the number and copy it with the keyboard");
    clearTimeout(shown);
    shown = setTimeout(() => say($("copied"), ""), SHOWN * (done ? 1 : 3));
  });
}

function save(name, blob) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

async function copy(content) {
  try {
    await navigator.clipboard.writeText(content);
    return true;
  } catch {
    // Over plain HTTP from another machine there is no clipboard but this one.
    const area = document.createElement("textarea");
    area.value = content;
    area.className = "unseen";
    document.body.append(area);
    const focused = document.activeElement;
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    focused?.focus();
    return done;
  }
}
