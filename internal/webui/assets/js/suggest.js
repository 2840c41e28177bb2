// Suggestions while somebody writes into a field marked data-suggest: the server
// lists what can stand at the caret. A field with data-suggest-key is the value
// of that key alone, others hold a query.
import { $, $$, make, on } from "./core.js";

let field, list, asked = 0, pause;

// part gives what is written of a key or value at the caret, and where it
// begins.
function part(input) {
  if (input.dataset.suggestKey) return { key: input.dataset.suggestKey, text: input.value, from: 0 };
  const before = input.value.slice(0, input.selectionStart);
  const token = /(?:^|\s)(?:([a-zA-Z_]+):)?((?:"(?:[^"\\]|\\.)*"?|[^\s"])*)$/.exec(before);
  if (!token) return null;
  const key = token[1] ?? "";
  const value = token[2];
  const comma = key ? value.lastIndexOf(",") + 1 : 0;
  const text = value.slice(comma);
  return { key, text: text.replace(/^"/, ""), from: before.length - text.length };
}

async function ask(input) {
  const at = part(input);
  if (!at || (!at.key && !at.text && input.value.trim() && !input.value.endsWith(" "))) return close();
  const turn = ++asked;
  const url = `${input.dataset.suggest}?key=${encodeURIComponent(at.key)}&text=${encodeURIComponent(at.text)}`;
  const answer = await fetch(url, { headers: { "HX-Request": "true", "HX-Target": "suggestions" } }).catch(() => null);
  if (!answer?.ok || turn !== asked || document.activeElement !== input) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const options = $$("[role=option]", page).filter((option) => option.dataset.value !== at.text || at.key === "");
  if (!options.length) return close();
  show(input, $("[role=listbox]", page), options);
}

function show(input, box, options) {
  close();
  field = input;
  list = make("ul", { id: "suggestions", class: "suggestions", role: "listbox", "aria-label": box.getAttribute("aria-label") });
  options.forEach((option, place) => { option.id = `suggestion-${place}`; list.append(option); });
  input.parentElement.append(list);
  if (getComputedStyle(input.parentElement).position === "static") {
    list.style.left = `${input.offsetLeft}px`;
    list.style.top = `${input.offsetTop + input.offsetHeight + 4}px`;
  }
  input.setAttribute("aria-expanded", "true");
  input.setAttribute("aria-controls", "suggestions");
}

function close() {
  asked++;
  list?.remove();
  field?.setAttribute("aria-expanded", "false");
  field?.removeAttribute("aria-activedescendant");
  list = undefined;
}

const options = () => (list ? $$("[role=option]", list) : []);
const chosen = () => options().findIndex((option) => option.getAttribute("aria-selected") === "true");

function choose(place) {
  options().forEach((option, i) => option.setAttribute("aria-selected", String(i === place)));
  const option = options()[place];
  if (option) field.setAttribute("aria-activedescendant", option.id);
}

// take writes a suggestion in place of what was begun.
function take(option) {
  const input = field;
  const at = part(input);
  let value = option.dataset.value;
  close();
  if (input.dataset.suggestKey) {
    input.value = value;
    input.form.requestSubmit();
    return;
  }
  if (at.key && /[\s,"]/.test(value)) value = `"${value.replace(/(["\\])/g, "\\$1")}"`;
  const caret = input.selectionStart;
  const end = at.key ? " " : "";
  input.setRangeText(value + end, at.from, caret, "end");
  input.dispatchEvent(new Event("input", { bubbles: true }));
}

document.addEventListener("input", (event) => {
  const input = event.target;
  if (!input.matches?.("[data-suggest]")) return;
  clearTimeout(pause);
  pause = setTimeout(() => ask(input), 80);
});
document.addEventListener("focusin", (event) => {
  if (field && event.target !== field) close();
});
document.addEventListener("click", (event) => {
  if (list && !list.contains(event.target) && event.target !== field) close();
});
// The field keeps the focus while somebody clicks into the list.
on("mousedown", ".suggestions", (event) => event.preventDefault());
on("click", ".suggestions [role=option]", (event, option) => take(option));
document.addEventListener("keydown", (event) => {
  if (!list || event.target !== field) return;
  const all = options();
  const place = chosen();
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    choose(event.key === "ArrowDown" ? (place + 1) % all.length : (place <= 0 ? all.length : place) - 1);
  } else if (event.key === "Escape") {
    event.preventDefault();
    event.stopPropagation();
    close();
  } else if ((event.key === "Enter" || event.key === "Tab") && place >= 0) {
    event.preventDefault();
    take(all[place]);
  } else if (event.key === "Enter") {
    close();
  }
}, true);

// A combobox says so; without this script it is an ordinary field.
for (const input of $$("[data-suggest]")) {
  input.setAttribute("role", "combobox");
  input.setAttribute("aria-autocomplete", "list");
  input.setAttribute("aria-expanded", "false");
}
