// Keyboard shortcuts. They are silent while somebody writes, and off where that
// was chosen in the settings.
import { $, $$, typing } from "./core.js";
import { openPalette } from "./palette.js";
import { undoLast } from "./toast.js";

const places = { o: "/", t: "/tasks", h: "/held", i: "/incidents", e: "/endpoints", r: "/resources", c: "/clients", d: "/documentation", a: "/activity", s: "/settings" };
const off = () => document.documentElement.dataset.keys === "off";
let leader = 0;

const rows = () => $$("[data-list] [data-row]");
function step(by) {
  const all = rows();
  if (!all.length) return false;
  const place = all.findIndex((row) => row.classList.contains("current"));
  const next = all[Math.min(Math.max(place + by, 0), all.length - 1)];
  all[place]?.classList.remove("current");
  next.classList.add("current");
  (next.querySelector("[data-open]") ?? next).focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
  return true;
}

function press(selector) {
  const element = $(selector);
  element?.click();
  return Boolean(element);
}

// act does something with the row that one is at, or with what the page is about.
function act(key) {
  const row = $("[data-list] .current");
  row?.dispatchEvent(new CustomEvent("row:key", { detail: key, bubbles: true }));
  return Boolean(row) || press(`[data-key=${key}]`);
}

const keys = {
  "/": () => { const search = $("[data-search]"); search?.focus(); search?.select?.(); return Boolean(search); },
  j: () => step(1),
  k: () => step(-1),
  x: (event) => { const box = $("[data-list] .current input[type=checkbox]"); box?.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, shiftKey: event.shiftKey })); return Boolean(box); },
  r: () => act("r"),
  e: () => act("e"),
  u: undoLast,
  "[": () => press("[data-key='[']"),
  "]": () => press("[data-key=']']"),
  "?": () => { $("#keys-help")?.showModal(); return true; },
};

document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    openPalette();
    return;
  }
  if (off() || event.ctrlKey || event.metaKey || event.altKey || typing(event) || $("dialog[open]")) return;
  if (Date.now() < leader) {
    leader = 0;
    const place = places[event.key];
    if (place && $(`a[href="${place}"]`)) {
      event.preventDefault();
      location.assign(place);
    }
    return;
  }
  if (event.key === "g") {
    leader = Date.now() + 1200;
    return;
  }
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (keys[key]?.(event)) event.preventDefault();
});
