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
  const list = $("#palette > div");
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  list.replaceChildren(...$("#palette-list", page).childNodes);
  if (items().length) list.setAttribute("role", "listbox");
  else list.removeAttribute("role");
  choose(0);
}

const items = () => $$("#palette [role=option]");

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
  }
});
// Enter goes to what is chosen; where nothing is, to the page of what was found.
document.addEventListener("submit", (event) => {
  const chosen = event.target.closest("#palette") && items().find((item) => item.getAttribute("aria-selected") === "true");
  if (!chosen) return;
  event.preventDefault();
  $("#palette").close();
  chosen.click();
});
document.addEventListener("click", (event) => {
  if (event.target.closest?.("[data-palette]")) openPalette();
});
