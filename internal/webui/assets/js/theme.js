// Theme, density and the width of the rail: chosen here, known to the server by
// cookies, so that the next page comes in the right colours.
import { $$, on, remember } from "./core.js";

const root = document.documentElement;

on("click", "[data-set-theme]", (event, button) => {
  event.preventDefault();
  const theme = button.dataset.setTheme;
  if (theme === "system") delete root.dataset.theme;
  else root.dataset.theme = theme;
  remember("theme", theme);
  for (const other of $$("[data-set-theme]")) other.setAttribute("aria-pressed", String(other.dataset.setTheme === theme));
});

on("click", "[data-rail-switch]", () => {
  root.dataset.rail = root.dataset.rail === "narrow" ? "wide" : "narrow";
  remember("rail", root.dataset.rail);
});
