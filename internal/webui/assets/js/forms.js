// Forms: sent without leaving the page where that keeps what was written, rows
// that are added and removed, what is not saved yet, signing in again.
import { $, $$, make, on, ready, say, word } from "./core.js";
import { toast } from "./toast.js";

// A form marked data-ajax is sent by htmx. The server answers with the page,
// of which #main is taken, or says where to go. Everything else about it is as
// without a script.
on("submit", "form[data-ajax]", (event, form) => {
  event.preventDefault();
  send(form, event.submitter);
});

const again = new WeakMap(); // what asks in the name of a form -> sends the form again
let sending, sent; // the form that is under way, and the version that it names

export function send(form, submitter) {
  const target = submitter?.dataset.target ?? form.dataset.target ?? "#main";
  const action = submitter?.getAttribute("formaction") || form.getAttribute("action") || location.href;
  if (submitter?.classList.contains("busy")) return; // pressed twice
  submitter?.classList.add("busy");
  const fields = new FormData(form, submitter);
  if (!fields.has("csrf")) fields.set("csrf", $("meta[name=csrf]")?.content ?? "");
  const secrets = $$("input[type=password]", form).filter((input) => input.value).map((input) => [input.id, input.value]);
  const method = (submitter?.getAttribute("formmethod") || form.getAttribute("method") || "get").toUpperCase();
  // Not the form itself asks: htmx would add the button that was pressed before,
  // and the form may be gone when the answer comes.
  const source = make("div", { hidden: true });
  document.body.append(source);
  again.set(source, () => send(form, submitter));
  [sending, sent] = [form, fields.get("version") ?? undefined];
  return window.htmx.ajax(method, action, { source, target, select: target, swap: "morph:outerHTML", values: grouped(fields) })
    .catch(() => {}) // is told by htmx:sendError
    .finally(() => {
      source.remove();
      submitter?.classList.remove("busy");
      keep(secrets);
      if (sending === form) [sending, sent] = [];
    });
}

// Passwords are never sent back: what was written stays where the form does.
function keep(secrets) {
  for (const [id, value] of secrets) {
    const input = document.getElementById(id);
    if (input?.type === "password" && !input.value) input.value = value;
  }
}

function grouped(fields) {
  const values = {};
  for (const [name, value] of fields) (values[name] ??= []).push(value);
  return values;
}

// What was wrong is where one looks next.
document.addEventListener("htmx:afterSettle", (event) => {
  const status = event.detail.xhr?.status;
  if (status !== 422 && status !== 409) return;
  const summary = $(".summary", event.detail.elt) ?? $(".summary");
  if (summary) {
    summary.tabIndex = -1;
    summary.focus();
  }
});
ready("[data-focus]", (element) => { element.tabIndex = -1; element.focus(); });

document.addEventListener("htmx:sendError", () => toast(word("The gateway cannot be reached. What you wrote is still here."), "fail"));
document.addEventListener("htmx:responseError", (event) => {
  const { xhr } = event.detail;
  const { elt } = event.detail.requestConfig;
  if (xhr.status === 401) signInAgain(() => retry(again.get(elt)));
  else toast(decodeURIComponent(xhr.getResponseHeader("X-Error") ?? "") || word("That did not work: {status}", { status: xhr.status }), "fail");
});

function retry(send) {
  const csrf = $("meta[name=csrf]")?.content;
  $$("input[name=csrf]").forEach((input) => { input.value = csrf; });
  if (send) send();
  else location.reload();
}

// signInAgain asks for the password in a dialog, so that the page and what was
// written into it stay.
export function signInAgain(then) {
  const dialog = $("#sign-in-again");
  if (!dialog || dialog.open) return;
  const form = $("form", dialog);
  form.onsubmit = async (event) => {
    event.preventDefault();
    const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)), headers: { Accept: "application/json" } });
    const said = await answer.json().catch(() => ({}));
    if (!answer.ok) {
      $("[data-said]", form).textContent = said.detail ?? word("That did not work: {status}", { status: answer.status });
      return;
    }
    $("meta[name=csrf]").content = said.csrf;
    form.reset();
    dialog.close();
    then();
  };
  dialog.showModal();
}

// Dialogs open by a button that names them, and give the focus back by
// themselves.
on("click", "[data-dialog]", (event, button) => {
  const dialog = document.getElementById(button.dataset.dialog);
  if (!dialog) return;
  event.preventDefault();
  dialog.showModal();
});
on("click", "dialog [data-close]", (event, button) => { event.preventDefault(); button.closest("dialog").close(); });
on("click", "dialog", (event, dialog) => {
  if (event.target !== dialog) return;
  const box = dialog.getBoundingClientRect();
  if (event.clientX < box.left || event.clientX > box.right || event.clientY < box.top || event.clientY > box.bottom) dialog.close();
});

// Rows. [data-rows] holds .items and a template; the button of no-script forms
// adds one here instead.
on("click", "[data-add-row]", (event, button) => {
  const rows = button.closest("[data-rows]");
  const template = $("template", rows);
  if (!template) return;
  event.preventDefault();
  const list = $(".rows", rows);
  const row = template.content.cloneNode(true);
  list.append(row);
  const added = list.lastElementChild;
  renumber(list);
  $("input, select, textarea", added)?.focus();
  list.dispatchEvent(new Event("change", { bubbles: true }));
});
on("click", "[data-remove-row]", (event, button) => {
  event.preventDefault();
  const row = button.closest(".item");
  const list = row.parentElement;
  const next = row.nextElementSibling ?? row.previousElementSibling;
  row.remove();
  renumber(list);
  list.dispatchEvent(new Event("change", { bubbles: true }));
  ($("[data-remove-row]", next ?? list) ?? $("[data-add-row]", list.closest("[data-rows]")))?.focus();
});

on("click", "[data-move-row]", (event, button) => {
  event.preventDefault();
  const row = button.closest(".item");
  const list = row.parentElement;
  if (button.dataset.moveRow === "-1") row.previousElementSibling?.before(row);
  else row.nextElementSibling?.after(row);
  renumber(list);
  list.dispatchEvent(new Event("change", { bubbles: true }));
  button.focus();
});

// renumber gives names like headers[0].name their place: data-name holds them
// with # for it.
export function renumber(list) {
  [...list.children].forEach((row, place) => {
    for (const input of $$("[data-name]", row)) {
      input.name = input.dataset.name.replaceAll("#", place);
      input.id = `f-${input.name}${input.type === "checkbox" && input.value !== "on" ? `-${input.value}` : ""}`;
    }
    for (const label of $$("[data-for]", row)) label.htmlFor = `f-${label.dataset.for.replaceAll("#", place)}`;
  });
}

// What is written and not saved. The value of data-guard lists fields that are
// never saved, like examples.
const clean = new WeakMap();
function stateOf(form) {
  const fields = new URLSearchParams(new FormData(form));
  for (const name of ["version", "csrf", ...form.dataset.guard.split(" ")]) fields.delete(name);
  return fields.toString();
}
let unsaved = new Set();
ready("form[data-guard]", (form) => { if (!unsaved.has(form)) clean.set(form, stateOf(form)); });
// A form that came with what is not stored says so itself: data-unsaved.
const dirty = (form) => "unsaved" in form.dataset || clean.has(form) && stateOf(form) !== clean.get(form);

// A form that somebody is writing in stays as it is while the page around it is
// renewed. If that was by a change of the same object, made from the version
// that the form has, it is based on the new one.
document.addEventListener("htmx:beforeSwap", () => { unsaved = new Set($$("form[data-guard]").filter((form) => form !== sending && dirty(form))); });
window.Idiomorph.defaults.callbacks.beforeNodeMorphed = (old, next) => {
  if (!unsaved.has(old)) return true;
  const [mine, theirs] = [old, next].map((form) => form.querySelector?.("input[type=hidden][name=version]"));
  if (mine && theirs && sent !== undefined && mine.value === sent) mine.value = theirs.value;
  return false;
};
function mark(event) {
  const form = event.target.closest?.("form[data-guard]");
  if (!form) return;
  const changed = dirty(form);
  form.toggleAttribute("data-dirty", changed);
  for (const element of $$("[data-when-dirty]", form)) element.hidden = !changed;
}
document.addEventListener("input", mark);
document.addEventListener("change", mark);
on("reset", "form[data-guard]", (event, form) => setTimeout(() => mark({ target: form })));
let leaving = false;
let staying; // timer
function leave() {
  leaving = true;
  clearTimeout(staying);
  staying = setTimeout(() => { leaving = false; }, 3000);
}
on("click", "[data-discard]", () => { leaving = true; });
document.addEventListener("submit", leave);
document.addEventListener("htmx:beforeOnLoad", (event) => { if (event.detail.xhr.getResponseHeader("HX-Redirect")) leave(); }); // however long the answer took
window.addEventListener("beforeunload", (event) => {
  if (!leaving && $$("form[data-guard]").some(dirty)) event.preventDefault();
});
document.addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "s") return;
  const form = document.activeElement?.closest("form[data-guard]") ?? $("form[data-guard][data-dirty], form[data-guard][data-unsaved]") ?? $("form[data-guard]");
  if (!form) return;
  event.preventDefault();
  form.requestSubmit();
});

// What is pasted into the field that a button names is read at once.
on("paste", "textarea", (event, area) => {
  const button = $(`button[data-pastes="${area.name}"]`, area.form ?? document);
  if (button) setTimeout(() => area.form.requestSubmit(button));
});

// Small helps.
const mailPorts = { starttls: "587", tls: "465", none: "25" };
on("change", "select[name='smtp.encryption']", (event, select) => {
  const port = select.form.elements["smtp.port"];
  if (["", ...Object.values(mailPorts)].includes(port.value)) port.value = mailPorts[select.value] ?? port.value;
});
on("click", "[data-show-password]", (event, button) => {
  const input = document.getElementById(button.dataset.showPassword);
  const shown = input.type === "text";
  input.type = shown ? "password" : "text";
  button.setAttribute("aria-pressed", String(!shown));
});
on("keyup", "input[type=password]", (event, input) => {
  const hint = $(`[data-caps="${input.id}"]`);
  if (hint && event.getModifierState) hint.hidden = !event.getModifierState("CapsLock");
});
on("change", "[data-submit-on-change]", (event, input) => input.form.requestSubmit());
on("change", "[data-toggles]", (event, input) => {
  for (const element of $$(input.dataset.toggles)) element.hidden = input.type === "checkbox" ? !input.checked : element.dataset.when !== input.value;
});
ready("[data-toggles]", (input) => {
  if (input.type === "radio" && !input.checked) return;
  for (const element of $$(input.dataset.toggles)) element.hidden = input.type === "checkbox" ? !input.checked : element.dataset.when !== input.value;
});
on("click", "[data-copy]", async (event, button) => {
  const source = button.dataset.copy === "next" ? button.closest(".code-box, .affix").querySelector("[data-copy-source], pre, input") : document.getElementById(button.dataset.copy);
  const text = button.dataset.copyText ?? source?.value ?? source?.textContent ?? "";
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = make("textarea", { class: "sr" });
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  button.classList.add("copied");
  say(word("Copied"));
  setTimeout(() => button.classList.remove("copied"), 1500);
});
