// The command palette: pages, objects, tasks and actions by a few letters.
import { $, $$ } from "./core.js";

let asked = 0;

export function openPalette() {
  const dialog = $("#palette");
  if (!dialog || dialog.open) return;
  dialog.showModal();
  const input = $("input", dialog);
  input.value = "";
  ask("");
}

async function ask(text) {
  const turn = ++asked;
  const answer = await fetch(`/palette?q=${encodeURIComponent(text)}`, { headers: { "HX-Request": "true", "HX-Target": "palette-list" } }).catch(() => null);
  if (!answer?.ok || turn !== asked) return;
  const list = $("#palette-list");
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  list.replaceChildren(...$("#palette-list", page).childNodes);
  choose(0);
}

const items = () => $$("#palette-list [role=option]");

function choose(place) {
  const all = items();
  all.forEach((item, i) => item.setAttribute("aria-selected", String(i === place)));
  const input = $("#palette input");
  if (all[place]) {
    input.setAttribute("aria-activedescendant", all[place].id);
    all[place].scrollIntoView({ block: "nearest" });
  } else {
    input.removeAttribute("aria-activedescendant");
  }
}

let pause;
document.addEventListener("input", (event) => {
  if (!event.target.matches?.("#palette input")) return;
  clearTimeout(pause);
  pause = setTimeout(() => ask(event.target.value), 80);
});
document.addEventListener("keydown", (event) => {
  if (!$("#palette")?.open) return;
  const all = items();
  const place = all.findIndex((item) => item.getAttribute("aria-selected") === "true");
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    choose((place + (event.key === "ArrowDown" ? 1 : all.length - 1)) % Math.max(all.length, 1));
  } else if (event.key === "Enter" && all[place]) {
    event.preventDefault();
    const link = $("a, button", all[place]) ?? all[place];
    $("#palette").close();
    link.click();
  }
});
document.addEventListener("click", (event) => {
  if (event.target.closest?.("[data-palette]")) openPalette();
});
