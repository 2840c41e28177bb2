// The scripts of every page. What only some pages need is loaded when such an
// element stands in one.
import { ready } from "./core.js";
import "./theme.js";
import "./time.js";
import "./toast.js";
import "./forms.js";
import "./menu.js";
import "./live.js";
import "./keys.js";

ready("json-editor", () => import("./json-editor.js"));
ready("[data-order]", () => import("./order.js"));
ready("[data-suggest]", () => import("./suggest.js"));
ready("[data-task-list]", () => import("./tasks.js"));
ready("[data-mapping]", () => import("./mapping.js"));
ready("[data-chips]", () => import("./chips.js"));
ready("[data-select-list]", () => import("./select.js"));
ready("[data-key-rows]", () => import("./key-rows.js"));
ready("[data-chart]", () => import("./chart.js"));
ready("[data-explorer]", () => import("./explorer.js"));
ready("[data-draft], [data-draft-done]", () => import("./draft.js"));
ready("[data-preview]", () => import("./preview.js"));

// Where one is stays in sight when tabs are wider than the window.
ready(".tabs [aria-current], .sections > nav [aria-current]", (link) => {
  const row = link.parentElement;
  if (row.scrollWidth > row.clientWidth) row.scrollLeft = link.offsetLeft - (row.clientWidth - link.offsetWidth) / 2;
});
