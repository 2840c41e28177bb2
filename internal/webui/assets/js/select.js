// Rows that are ticked: all of the page at once, a range with Shift, and how
// many they are. A form marked data-select-list holds them.
import { $, $$, on, say, word } from "./core.js";

const boxes = (list) => $$("[name=id]", list);
let last; // box ticked last, from which Shift goes on

function count(list) {
  const all = boxes(list);
  const ticked = all.filter((box) => box.checked).length;
  const head = $("[data-select-all]", list);
  if (head) {
    head.checked = ticked > 0 && ticked === all.length;
    head.indeterminate = ticked > 0 && ticked < all.length;
  }
  const shown = $("[data-selected-count]", list);
  if (shown) shown.textContent = word("{n} selected", { n: ticked });
  const matching = $("[data-select-matching]", list);
  if (matching && ticked < all.length) matching.checked = false;
}

on("change", "[data-select-all]", (event, head) => {
  const list = head.closest("[data-select-list]");
  for (const box of boxes(list)) box.checked = head.checked;
  count(list);
});

on("click", "[data-select-list] [name=id]", (event, box) => {
  const list = box.closest("[data-select-list]");
  const all = boxes(list);
  if (event.shiftKey && last?.isConnected && last !== box) {
    const [from, to] = [all.indexOf(last), all.indexOf(box)].sort((a, b) => a - b);
    for (const other of all.slice(from, to + 1)) other.checked = box.checked;
  }
  last = box;
  count(list);
});

on("change", "[data-select-matching]", (event, matching) => {
  const list = matching.closest("[data-select-list]");
  for (const box of boxes(list)) box.checked = true;
  const ticked = matching.checked;
  count(list);
  matching.checked = ticked;
  if (ticked) say(matching.labels[0].textContent.trim());
});

on("click", "[data-select-none]", (event, button) => {
  event.preventDefault();
  const list = button.closest("[data-select-list]");
  for (const box of boxes(list)) box.checked = false;
  count(list);
});

for (const list of $$("[data-select-list]")) count(list);
