// A form marked data-draft="NAME" is found again as it was left, for as long as
// the tab lives. What may be secret is not kept: pasted texts, headers, and
// addresses with a query.
import { $, on, ready } from "./core.js";
import { preview } from "./preview.js";

const found = new WeakSet();
const place = (form) => `draft:${form.dataset.draft}`;
const secret = (name, value) => /^(csrf|do|paste|read|headers\[.*)$/.test(name) || name === "url" && value.includes("?");

on("input", "form[data-draft]", (event, form) => keep(form));
on("change", "form[data-draft]", (event, form) => keep(form));

function keep(form) {
  const fields = [...new FormData(form)].filter(([name, value]) => typeof value === "string" && !secret(name, value));
  sessionStorage.setItem(place(form), new URLSearchParams(fields).toString());
}

ready("form[data-draft]", (form) => {
  const kept = sessionStorage.getItem(place(form));
  if (!kept || found.has(form) || $(".summary", form)) return;
  found.add(form);
  preview(form, new URLSearchParams(kept));
});

ready("[data-draft-done]", (element) => sessionStorage.removeItem(`draft:${element.dataset.draftDone}`));
