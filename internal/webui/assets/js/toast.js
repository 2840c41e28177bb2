// Short messages at the edge of the page, with a way back where there is one.
import { $, $$, icon, make, ready, say, word } from "./core.js";

const shownFor = 10_000;

// toast shows a message. tone is ok, fail, warn or nothing; undo, if given, is
// {action, fields}: a form that takes back what was done.
export function toast(text, tone = "", undo) {
  const element = make("div", { class: `toast ${tone}`, role: tone === "fail" ? "alert" : "status" },
    icon(tone === "fail" ? "circle-alert" : tone === "warn" ? "triangle-alert" : "check"), make("span", { class: "grow" }, text));
  if (undo) {
    const form = make("form", { method: "post", action: undo.action, "data-ajax": true },
      ...Object.entries(undo.fields ?? {}).flatMap(([name, values]) => [values].flat().map((value) => make("input", { type: "hidden", name, value }))),
      make("button", { class: "btn small", "data-undo": true }, word("Undo")));
    element.append(form);
  }
  place(element);
}

function place(element) {
  const close = make("button", { type: "button", class: "btn quiet small icon-only", "aria-label": word("Close") }, icon("x"));
  close.onclick = () => element.remove();
  // Of several changes of one thing only the last can be taken back.
  const action = $("form", element)?.getAttribute("action");
  for (const form of $$("#toasts form")) if (form.getAttribute("action") === action && !element.contains(form)) form.closest(".toast").remove();
  element.append(close);
  if (element.parentElement !== $("#toasts")) $("#toasts").append(element);
  expire(element);
}

function expire(element) {
  let left = setTimeout(() => element.remove(), shownFor);
  element.onmouseenter = element.onfocusin = () => clearTimeout(left);
  element.onmouseleave = () => { left = setTimeout(() => element.remove(), shownFor / 2); };
}

// Those that the server wrote into the page.
ready("#toasts > .toast:not([data-placed])", (element) => {
  element.dataset.placed = "";
  place(element);
  say(element.textContent);
});

// What is taken back once is not taken back again.
document.addEventListener("submit", (event) => { if (event.target.matches?.("#toasts form")) event.target.closest(".toast").hidden = true; });

// Those that come with the answer to a request (header HX-Trigger).
document.addEventListener("toast", (event) => toast(event.detail.text, event.detail.tone, event.detail.undo));

// u takes the last thing back.
export function undoLast() {
  const button = $$("#toasts .toast:not([hidden]) [data-undo]").pop();
  if (button) button.click();
  return Boolean(button);
}
