// Times in the reader's own time and language. The server writes UTC, which
// stays in the title.
import { $$, language, ready, remember, word } from "./core.js";

const steps = [["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
let relative, absolute;

function formats() {
  const zone = document.documentElement.dataset.clock === "utc" ? { timeZone: "UTC" } : {};
  relative = new Intl.RelativeTimeFormat(language(), { numeric: "auto", style: "short" });
  absolute = new Intl.DateTimeFormat(language(), { dateStyle: "medium", timeStyle: "medium", ...zone });
}

function ago(date) {
  const seconds = (date - Date.now()) / 1000;
  const [unit, size] = steps.find(([, size]) => Math.abs(seconds) >= size) ?? ["second", 1];
  return relative.format(Math.trunc(seconds / size), unit);
}

// lasting writes how long something goes on by its two largest units.
function lasting(date) {
  let seconds = Math.max(0, Math.trunc((Date.now() - date) / 1000));
  const units = steps.slice(2); // days are the largest
  const first = units.findIndex(([, size]) => seconds >= size);
  const parts = units.slice(first < 0 ? -1 : first).slice(0, 2).map(([unit, size]) => {
    const n = Math.trunc(seconds / size);
    seconds -= n * size;
    return [n, unit];
  });
  return parts.filter(([n], place) => n > 0 || place === 0).map(([n, unit]) => new Intl.NumberFormat(language(), { style: "unit", unit, unitDisplay: "short" }).format(n)).join(" ");
}

function show(element) {
  const date = new Date(element.dateTime);
  if (isNaN(date)) return;
  const local = absolute.format(date);
  switch (element.dataset.time) {
    case "ago":
      element.textContent = ago(date);
      element.title = `${local}\n${element.dateTime}`;
      break;
    case "for":
      element.textContent = word("for {time}", { time: lasting(date) });
      element.title = `${local}\n${element.dateTime}`;
      break;
    case "in": {
      const left = Math.ceil((date - Date.now()) / 1000);
      element.textContent = left > 0 ? ago(date) : element.dataset.over ?? ago(date);
      element.title = `${local}\n${element.dateTime}`;
      break;
    }
    default:
      element.textContent = local;
      element.title = element.dateTime;
  }
}

function all() {
  formats();
  $$("time[data-time]").forEach(show);
}

formats();
ready("time[data-time]", show);
setInterval(() => { if (!document.hidden) $$("time[data-time=ago], time[data-time=in], time[data-time=for]").forEach(show); }, 1000);
document.addEventListener("visibilitychange", () => { if (!document.hidden) all(); });

// The server reads times in this zone where somebody writes them without one.
const zone = String(-new Date().getTimezoneOffset());
if (!document.cookie.split("; ").includes(`zone=${zone}`)) remember("zone", zone);

// Between local time and UTC with a click on any switch for it.
document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-clock-switch]");
  if (!button) return;
  const root = document.documentElement;
  root.dataset.clock = root.dataset.clock === "utc" ? "local" : "utc";
  remember("clock", root.dataset.clock);
  all();
});
