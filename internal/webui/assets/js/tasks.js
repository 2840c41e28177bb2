// Lists of tasks: rows change where they stand, new ones are only counted until
// somebody wants to see them, and a menu has what may be done with one.
import { $, $$, on } from "./core.js";
import { toast } from "./toast.js";

const soon = 250; // ms in which changes gather
const newsEvery = 1000;
const list = () => $("[data-task-list]");
const rowOf = (id) => document.getElementById(`task-${id}`);
const shown = () => $$("[data-list] > tr", list()).map((row) => row.id.slice(5));

async function fetchPart(url, target) {
  const answer = await fetch(url, { headers: { "HX-Request": "true", "HX-Target": target } }).catch(() => null);
  return answer?.ok ? new DOMParser().parseFromString(await answer.text(), "text/html") : null;
}

const changed = new Set();
let flushing, news, newsAt = 0;

document.addEventListener("live:event", (event) => {
  const form = list();
  if (event.target !== form) return;
  event.preventDefault();
  const { kind, id } = event.detail;
  if (kind === "resync") shown().forEach((one) => changed.add(one));
  else if (rowOf(id)) changed.add(String(id));
  if (changed.size) flushing ??= setTimeout(flush, soon);
  if (form.hasAttribute("data-first") && (kind === "resync" || !rowOf(id))) {
    news ??= setTimeout(askNews, Math.max(soon, newsAt + newsEvery - Date.now()));
  }
});

async function flush() {
  const ids = [...changed];
  changed.clear();
  const page = await fetchPart(`/tasks/rows?q=${encodeURIComponent(list()?.elements.q.value ?? "")}&ids=${ids.join(",")}`, "task-rows");
  flushing = undefined;
  if (page) for (const id of ids) renew(rowOf(id), page.getElementById(`task-${id}`));
  if (changed.size) flushing = setTimeout(flush, soon);
}

// renew makes a row what it is now. What somebody does with it stays: the tick,
// the focus, the place.
function renew(row, now) {
  if (!row) return;
  const box = $("[name=id]", row);
  if (!now) { // it was deleted
    row.classList.add("gone");
    if (box) box.checked = false;
    return;
  }
  const ticked = box?.checked;
  const state = (of) => of.dataset.state + of.dataset.can;
  const moved = state(row) !== state(now);
  if (row.classList.contains("current")) now.classList.add("current");
  window.Idiomorph.morph(row, now);
  const after = $("[name=id]", row);
  if (after) after.checked = Boolean(ticked);
  if (!moved) return;
  row.classList.add("flash-row");
  setTimeout(() => row.classList.remove("flash-row"), 1300);
}

async function askNews() {
  newsAt = Date.now();
  const form = list();
  const page = form && await fetchPart(`/tasks/news?q=${encodeURIComponent(form.elements.q.value)}&ids=${shown().join(",")}`, "task-news");
  news = undefined;
  const pill = page && page.getElementById("task-news");
  if (pill && $("#task-news")) window.Idiomorph.morph($("#task-news"), pill);
}

// The menu of a row. Without this script its button leads to the task's page.
const menu = () => $("#row-menu");
let opener;

function closeMenu() {
  if (!menu() || menu().hidden) return;
  menu().hidden = true;
  opener?.setAttribute("aria-expanded", "false");
}

function openMenu(button) {
  const box = menu();
  const row = button.closest("[data-row]");
  const can = (row.dataset.can ?? "").split(" ");
  box.elements.id.value = row.id.slice(5);
  const path = $("[data-open]", row).getAttribute("href");
  for (const item of $$("[data-when]", box)) item.hidden = !can.includes(item.dataset.when);
  for (const link of $$("[data-to]", box)) link.href = path.replace(/(\?|$)/, `${link.dataset.to}$1`);
  for (const copy of $$("[data-copy-text]", box)) copy.dataset.copyText = row.id.slice(5);
  box.hidden = false;
  opener = button;
  button.setAttribute("aria-expanded", "true");
  const at = button.getBoundingClientRect();
  const size = box.getBoundingClientRect();
  const below = at.bottom + 4 + size.height < window.innerHeight;
  box.style.left = `${Math.max(8, at.right - size.width) + window.scrollX}px`;
  box.style.top = `${(below ? at.bottom + 4 : Math.max(8, at.top - 4 - size.height)) + window.scrollY}px`;
  $$("a, button", box).find((item) => !item.hidden)?.focus();
}

on("click", "[data-row-menu]", (event, button) => {
  if (!menu() || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  event.stopPropagation();
  if (!menu().hidden && opener === button) closeMenu();
  else openMenu(button);
});
document.addEventListener("click", (event) => {
  if (!event.target.closest?.("[data-row-menu]")) closeMenu();
});
document.addEventListener("keydown", (event) => {
  if (!menu() || menu().hidden) return;
  const items = $$("a, button", menu()).filter((item) => !item.hidden);
  const place = items.indexOf(document.activeElement);
  const go = { ArrowDown: place + 1, ArrowUp: place < 0 ? items.length - 1 : place - 1, Home: 0, End: items.length - 1 }[event.key];
  if (event.key === "Escape" || event.key === "Tab") {
    closeMenu();
    opener.focus();
    if (event.key === "Escape") event.preventDefault();
  } else if (go !== undefined) {
    event.preventDefault();
    items[(go + items.length) % items.length].focus();
  }
});

// What is done with a row, or with those that are ticked, is done without
// leaving the page. All that match are shown first, on a page of their own.
const acts = ["retry", "send", "stop", "delete"];
on("submit", "#row-menu, [data-task-list]", async (event, form) => {
  const button = event.submitter;
  if (!acts.includes(button?.value) || form.elements.all?.checked || form.dataset.plain) return;
  event.preventDefault();
  closeMenu();
  const fields = new FormData(form, button);
  const answer = await fetch("/tasks", { method: "POST", body: new URLSearchParams(fields), headers: { "HX-Request": "true" } }).catch(() => null);
  if (!answer?.ok) { // the page of the error, or to sign in, is worth seeing
    form.dataset.plain = "1";
    form.requestSubmit(button);
    return;
  }
  const said = JSON.parse(answer.headers.get("HX-Trigger") ?? "{}").toast;
  if (said) toast(said.text, said.tone, said.undo);
  for (const id of fields.getAll("id")) changed.add(id);
  $("[data-select-none]", list())?.click();
  flushing ??= setTimeout(flush, 0);
});

// r and e act on the row that j and k went to.
document.addEventListener("row:key", (event) => {
  const row = event.target.closest?.("[data-row]");
  if (!row || !menu()) return;
  menu().elements.id.value = row.id.slice(5);
  const can = (row.dataset.can ?? "").split(" ");
  if (event.detail === "e" && can.includes("resend")) location.assign($("[data-open]", row).getAttribute("href").replace(/(\?|$)/, "/resend$1"));
  else if (event.detail === "r" && can.includes("retry")) menu().requestSubmit($("[value=retry]", menu()));
});

// A click anywhere in a row opens it, but not while somebody marks text.
on("click", "[data-task-list] [data-row]", (event, row) => {
  if (event.defaultPrevented || event.target.closest("a, button, input, label, summary") || String(getSelection())) return;
  const link = $("[data-open]", row);
  if (event.ctrlKey || event.metaKey) window.open(link.href, "_blank", "noopener");
  else link.click();
});
