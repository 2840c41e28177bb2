// Every key of a resource gets a row for its test value as soon as it is written.
import { $, $$, on } from "./core.js";
import { renumber } from "./forms.js";

on("change", "[data-key-rows]", (event, keys) => {
  const rows = $("[data-test-rows]", keys.closest("form"));
  if (!rows) return;
  const list = $(".rows", rows);
  const named = (name) => $$("input", list).some((input) => input.dataset.name?.endsWith(".key") && input.value.trim() === name);
  for (const input of $$(".rows input", keys)) {
    const name = input.value.trim();
    if (!name || named(name)) continue;
    list.append($("template", rows).content.cloneNode(true));
    $("input", list.lastElementChild).value = name;
  }
  renumber(list);
});
