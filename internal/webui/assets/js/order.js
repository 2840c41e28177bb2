// The order of a list: by dragging, by buttons, by Alt with the arrows. Buttons
// alone do without a script.
//
// [data-order] holds [data-item]s. With data-order-now its form is sent after
// every move; otherwise the order is sent with the form that it stands in.
import { $, $$, asset, on, ready, say, script, word } from "./core.js";
import { renumber, send } from "./forms.js";

const items = (list) => $$(":scope > [data-item]", list);
const name = (item) => item.dataset.name ?? item.querySelector("input:not([type=hidden])")?.value ?? "";

// Moves wait for each other: each is sent with the version that the one before
// has made.
let last = Promise.resolve();
const queue = (step) => { last = last.then(step, step); };

function tell(item) {
  const all = items(item.parentElement);
  say(word("{name}, position {n} of {all}", { name: name(item), n: all.indexOf(item) + 1, all: all.length }));
}

function place(list) {
  items(list).forEach((item, i) => {
    const number = $("[data-place]", item);
    if (number) number.textContent = i + 1;
    for (const button of $$("[data-up], [data-down]", item)) {
      button.value = `${button.value.split(" ")[0]} ${i + 1}`;
      button.setAttribute("aria-disabled", String(button.matches("[data-up]") ? i === 0 : i === items(list).length - 1));
    }
  });
  renumber(list);
}

function settled(list, item) {
  place(list);
  tell(item);
  list.dispatchEvent(new Event("change", { bubbles: true }));
  return "orderNow" in list.dataset ? send(list.closest("form")) : undefined;
}

// move takes an item some places down, or up, and leaves the focus in it.
function move(id, list, by, control) {
  queue(() => {
    const item = id ? document.getElementById(id) : control.closest("[data-item]");
    const within = item?.parentElement;
    if (!within) return undefined;
    const all = items(within);
    const to = all.indexOf(item) + by;
    if (to < 0 || to >= all.length) {
      tell(item);
      return undefined;
    }
    within.insertBefore(item, by < 0 ? all[to] : all[to].nextElementSibling);
    (document.contains(control) ? control : $("button", item))?.focus();
    return settled(within, item);
  });
}

on("click", "[data-order] [data-up], [data-order] [data-down]", (event, button) => {
  event.preventDefault();
  const item = button.closest("[data-item]");
  move(item.id, item.parentElement, button.matches("[data-up]") ? -1 : 1, button);
});
document.addEventListener("keydown", (event) => {
  if (!event.altKey || (event.key !== "ArrowUp" && event.key !== "ArrowDown")) return;
  const item = event.target.closest?.("[data-order] > [data-item]");
  if (!item) return;
  event.preventDefault();
  move(item.id, item.parentElement, event.key === "ArrowUp" ? -1 : 1, event.target);
});

const still = matchMedia("(prefers-reduced-motion: reduce)");
const dragged = new WeakSet();
let dragging = false;
// The page stays as it is while something is held.
document.addEventListener("htmx:beforeSwap", (event) => { if (dragging) event.detail.shouldSwap = false; });
async function draggable(list) {
  await script(asset("./sortable.js"));
  if (!dragged.has(list)) {
    dragged.add(list);
    window.Sortable.create(list, {
      draggable: "[data-item]", handle: "[data-grip]", animation: still.matches ? 0 : 120, ghostClass: "ghost", forceFallback: true, fallbackOnBody: true, fallbackClass: "in-hand",
      onStart: () => { dragging = true; },
      onEnd: ({ item, oldIndex, newIndex }) => {
        dragging = false;
        if (oldIndex !== newIndex) queue(() => settled(list, item));
      },
    });
  }
  document.documentElement.dataset.drag = ""; // shows the grips
}
ready("[data-order]", draggable);
