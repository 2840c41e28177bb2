// Menus and sheets are details elements: this closes them and moves within.
import { $$, on } from "./core.js";

const open = () => $$("details.menu[open], .bar details[open]");

document.addEventListener("click", (event) => {
  for (const menu of open()) if (!menu.contains(event.target) || event.target.closest(".items a, .items button, .sheet a")) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  const [menu] = open();
  if (!menu) return;
  const items = $$(".items a, .items button, .sheet a, .sheet button", menu).filter((item) => item.offsetParent);
  const place = items.indexOf(document.activeElement);
  const go = { ArrowDown: place + 1, ArrowUp: place < 0 ? items.length - 1 : place - 1, Home: 0, End: items.length - 1 }[event.key];
  if (event.key === "Escape") {
    menu.open = false;
    menu.querySelector("summary").focus();
  } else if (go !== undefined && items.length) {
    event.preventDefault();
    items[(go + items.length) % items.length].focus();
  }
});
on("toggle", "details.menu", (event, menu) => {
  if (menu.open) for (const other of open()) if (other !== menu) other.open = false;
}, true);
