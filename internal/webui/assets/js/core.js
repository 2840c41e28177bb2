// What all scripts use: finding and making elements, words, small state.

export const $ = (selector, within = document) => within.querySelector(selector);
export const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];

// on listens once for all elements that match, those that come later included.
export function on(type, selector, handle, options) {
  document.addEventListener(type, (event) => {
    const target = event.target instanceof Element ? event.target.closest(selector) : null;
    if (target) handle(event, target);
  }, options);
}

// make builds an element. Text is text: nothing is ever parsed as HTML.
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value == null) continue;
    element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child != null));
  return element;
}

// icon makes one of the sprite's icons. The sprite's address stands in the page.
export function icon(name, classes = "icon") {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("class", classes);
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(space, "use");
  use.setAttribute("href", `${document.documentElement.dataset.icons}#${name}`);
  svg.append(use);
  return svg;
}

// asset marks the address of a file, which the server replaces.
export const asset = (url) => url;

let dictionary;
// word gives a text in the language of the page, {name} replaced.
export function word(key, values = {}) {
  dictionary ??= JSON.parse($("#words")?.textContent || "{}");
  return (dictionary[key] ?? key).replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all);
}

export const language = () => document.documentElement.lang || "en";

// remember keeps a choice of this browser for a year, where the server sees it.
export function remember(name, value) {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `${name}=${encodeURIComponent(value)}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
}

// say tells people who listen to the page instead of looking at it.
export function say(text) {
  const region = $("#say");
  if (region) {
    region.textContent = "";
    requestAnimationFrame(() => { region.textContent = text; });
  }
}

// script loads a classic script once.
const loaded = new Map();
export function script(url) {
  if (!loaded.has(url)) {
    loaded.set(url, new Promise((done, failed) => {
      const element = make("script", { src: url });
      element.onload = done;
      element.onerror = () => failed(new Error(`${url} could not be loaded`));
      document.head.append(element);
    }));
  }
  return loaded.get(url);
}

// ready runs now and again for whatever is put into the page later.
export function ready(selector, handle) {
  const run = (root) => {
    if (root instanceof Element && root.matches(selector)) handle(root);
    if (root.querySelectorAll) $$(selector, root).forEach(handle);
  };
  run(document);
  document.addEventListener("htmx:load", (event) => run(event.detail.elt));
}

// typing says whether somebody is writing, and keys are not for us.
export function typing(event) {
  const target = event.composedPath()[0];
  return target instanceof Element && (target.matches("input:not([type=checkbox],[type=radio]), select, textarea") || target.isContentEditable || target.closest?.(".cm-editor"));
}
