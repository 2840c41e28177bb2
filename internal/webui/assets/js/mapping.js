// The mapping of an endpoint: its resources as tabs, and what has changed in
// what would be sent. The preview itself is made by preview.js.
import { $, $$, on } from "./core.js";

const form = () => $("form[data-mapping]");

function show(tab, focus) {
  const place = tab.value.split(" ")[1];
  form().elements.shown.value = place;
  for (const other of $$("#map-tabs [role=tab]")) {
    other.setAttribute("aria-selected", String(other === tab));
    other.tabIndex = other === tab ? 0 : -1;
  }
  $$(".map-panel").forEach((panel, i) => { panel.hidden = String(i) !== place; });
  if (focus) tab.focus();
  form().dispatchEvent(new Event("change", { bubbles: true }));
}

on("click", "#map-tabs [role=tab]", (event, tab) => {
  event.preventDefault();
  show(tab);
});
on("keydown", "#map-tabs [role=tab]", (event, tab) => {
  const tabs = $$("#map-tabs [role=tab]");
  const place = tabs.indexOf(tab);
  const to = { ArrowRight: place + 1, ArrowLeft: place - 1, Home: 0, End: tabs.length - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  show(tabs[(to + tabs.length) % tabs.length], true);
});

// Lines that say something else than before glow for a moment.
let before = new Map();
const read = () => new Map($$("#sent .sent-route").flatMap((route) => $$("[data-key]", route).map((line) => [`${route.id} ${line.dataset.key}`, line.textContent])));
before = read();
document.addEventListener("previewed", () => {
  const now = read();
  for (const route of $$("#sent .sent-route")) {
    for (const line of $$("[data-key]", route)) {
      const key = `${route.id} ${line.dataset.key}`;
      if (![...before.keys()].some((other) => other.startsWith(`${route.id} `)) || before.get(key) === now.get(key)) continue;
      line.classList.remove("flash-row");
      requestAnimationFrame(() => line.classList.add("flash-row"));
    }
  }
  before = now;
});
