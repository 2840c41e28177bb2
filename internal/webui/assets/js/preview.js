// A form marked data-preview="ID" shows in the element of that id what would
// come of it, while somebody writes: the server makes it, as without a script
// with the button whose name is "do" and value "preview". Where several elements
// depend on it they are listed, and data-preview-part names the part of the page
// that has them all.
import { ready } from "./core.js";

const pause = 200; // ms without a change
const turns = new WeakMap();
const known = new WeakSet(); // forms that are listened to

// preview asks with what is written in the form, or with other fields.
export async function preview(form, written) {
  turns.get(form)?.abort();
  const turn = new AbortController();
  turns.set(form, turn);
  const fields = written ?? new FormData(form);
  if (written) fields.set("csrf", form.elements.csrf.value);
  fields.set("do", "preview");
  const targets = form.dataset.preview.split(" ");
  const shown = document.getElementById(targets[0]);
  shown?.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(form.dataset.previewAction ?? form.action, {
      method: "POST", body: new URLSearchParams(fields), signal: turn.signal, headers: { "HX-Request": "true", "HX-Target": form.dataset.previewPart ?? targets[0] },
    });
    if (!answer.ok && answer.status !== 422) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const target of targets) {
      const now = page.getElementById(target);
      const old = document.getElementById(target);
      if (!now || !old) continue;
      window.Idiomorph.morph(old, now, { ignoreActiveValue: true });
      const fresh = document.getElementById(target);
      window.htmx.process(fresh);
      fresh.dispatchEvent(new CustomEvent("htmx:load", { bubbles: true, detail: { elt: fresh } }));
    }
    form.dispatchEvent(new Event("previewed", { bubbles: true }));
  } catch (error) {
    if (error.name !== "AbortError" || turns.get(form) === turn) shown?.removeAttribute("aria-busy");
  }
}

const touched = (input) => (input.options ? [...input.options].some((option) => option.selected !== option.defaultSelected)
  : "defaultValue" in input && (input.value !== input.defaultValue || input.checked !== input.defaultChecked));

ready("form[data-preview]", (form) => {
  if (known.has(form)) return;
  known.add(form);
  let timer;
  const later = () => {
    clearTimeout(timer);
    turns.get(form)?.abort(); // what is written now counts
    timer = setTimeout(() => preview(form), pause);
  };
  // The answer to the form itself must not be replaced by a preview that is late.
  form.addEventListener("submit", () => { clearTimeout(timer); turns.get(form)?.abort(); });
  form.addEventListener("input", later);
  form.addEventListener("change", later);
  // What was written before this script came counts, too.
  if ([...form.elements].some(touched)) later();
});
