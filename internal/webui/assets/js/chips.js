// [data-chips] holds a text area with one word to a line, and becomes chips. The
// text area stays what is sent.
import { $, $$, icon, make, ready, word } from "./core.js";

const wordsOf = (area) => [...new Set(area.value.split(/\r?\n/).map((line) => line.trim()).filter(Boolean))];

function build(box) {
  const area = $("textarea", box);
  let chips = $(".chip-box", box);
  if (!chips) {
    const input = make("input", { type: "text", class: "bare code", spellcheck: "false", autocapitalize: "off", "aria-label": area.labels?.[0]?.textContent.trim() ?? "", placeholder: word("Add a parameter") });
    chips = make("div", { class: "input chip-box" }, input);
    box.append(chips);
    chips.addEventListener("click", (event) => { if (event.target === chips) input.focus(); });
    input.addEventListener("keydown", (event) => keyed(event, box));
    input.addEventListener("keypress", (event) => { if (event.key === "Enter") event.preventDefault(); }); // it would send the form
    input.addEventListener("blur", () => take(box));
    input.addEventListener("paste", (event) => pasted(event, box));
    area.addEventListener("focus", () => input.focus());
  }
  area.classList.add("sr");
  area.tabIndex = -1;
  area.setAttribute("aria-hidden", "true");
  if (area.hasAttribute("aria-invalid")) $("input", chips).setAttribute("aria-invalid", "true");
  draw(box);
}

function draw(box) {
  const input = $(".chip-box input", box);
  for (const chip of $$(".tag", box)) chip.remove();
  for (const name of wordsOf($("textarea", box))) {
    const remove = make("button", { type: "button", class: "bare", "aria-label": word("Remove {name}", { name }) }, icon("x"));
    remove.onclick = () => {
      write(box, wordsOf($("textarea", box)).filter((other) => other !== name));
      input.focus();
    };
    input.before(make("span", { class: "tag code" }, name, remove));
  }
}

function write(box, words) {
  const area = $("textarea", box);
  area.value = words.join("\n");
  area.dispatchEvent(new Event("input", { bubbles: true }));
  draw(box);
}

function take(box) {
  const input = $(".chip-box input", box);
  const added = input.value.split(/[\n,]/).map((part) => part.trim()).filter(Boolean);
  input.value = "";
  if (added.length) write(box, [...wordsOf($("textarea", box)), ...added]);
}

function keyed(event, box) {
  const input = event.target;
  if (event.key === "Enter" || event.key === ",") {
    event.preventDefault();
    take(box);
  } else if (event.key === "Backspace" && !input.value) {
    write(box, wordsOf($("textarea", box)).slice(0, -1));
  }
}

// A message that is pasted here is meant as the example: the server reads its
// keys, in their order.
function pasted(event, box) {
  const text = event.clipboardData?.getData("text") ?? "";
  const form = box.closest("form");
  const example = form.elements.example;
  if (text.trimStart().startsWith("{") && example) {
    event.preventDefault();
    if (example.setText) example.setText(text);
    else example.value = text;
    form.requestSubmit($("button[name=do][value=fill]", form));
  } else if (/\n/.test(text)) {
    event.preventDefault();
    event.target.value += text;
    take(box);
  }
}

ready("[data-chips]", build);
