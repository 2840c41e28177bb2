// Lines over time out of a table: [data-chart] holds one, whose rows have the
// time (data-x, in seconds) and whose cells the values (data-y). The heads of
// columns that are drawn name their tone (data-series). The value of data-chart
// is the unit.
import { $, $$, asset, language, make, ready, script } from "./core.js";

const height = 220;
const drawn = new Map(); // figure -> chart

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function read(figure) {
  const heads = $$("thead th", figure);
  const columns = heads.map((head, place) => ({ head, place })).filter(({ head }) => head.dataset.series);
  const rows = $$("tbody tr", figure);
  const number = (text) => (text === undefined ? null : Number(text));
  return {
    columns: columns.map(({ head }) => ({ label: head.textContent.trim(), tone: head.dataset.series })),
    data: [rows.map((row) => Number(row.dataset.x)), ...columns.map(({ place }) => rows.map((row) => number(row.children[place].dataset.y)))],
  };
}

async function draw(figure) {
  await script(asset("./uplot.js"));
  const plot = $(".plot", figure);
  if (!plot?.isConnected) return;
  drawn.get(figure)?.destroy();
  const { columns, data } = read(figure);
  const unit = figure.dataset.chart;
  const numbers = new Intl.NumberFormat(language(), { maximumSignificantDigits: 3 });
  const write = (value) => (value == null ? "–" : `${numbers.format(value)} ${unit}`);
  const hour = new Intl.DateTimeFormat(language(), { hour: "2-digit", minute: "2-digit", hourCycle: "h23", ...(document.documentElement.dataset.clock === "utc" ? { timeZone: "UTC" } : {}) });
  const when = (seconds) => hour.format(seconds * 1000);
  const axis = { stroke: colour("--text-3"), grid: { stroke: colour("--border"), width: 1 }, ticks: { show: false }, font: `11px ${colour("--sans")}` };
  const legend = make("div", { class: "legend" }, make("span", { class: "when" }), ...columns.map(({ label, tone }) => make("span", { class: tone }, make("i"), `${label} `, make("b", {}, ""))));
  plot.replaceChildren();
  plot.append(legend);
  // Without a pointer the latest hour with a value is told.
  const tell = (at) => {
    const place = at ?? data[0].findLastIndex((x, i) => data.slice(1).some((values) => values[i] != null));
    $(".when", legend).textContent = data[0][place] === undefined ? "" : when(data[0][place]);
    $$("b", legend).forEach((value, i) => { value.textContent = write(data[i + 1][place]); });
  };
  drawn.set(figure, new window.uPlot({
    width: plot.clientWidth, height,
    padding: [12, 8, 0, 0],
    cursor: { points: { size: 6 }, drag: { x: false, y: false } },
    legend: { show: false },
    hooks: { setCursor: [(chart) => tell(chart.cursor.idx)] },
    scales: { y: { range: (chart, low, high) => [0, Math.max(high * 1.1, 1)] } },
    axes: [
      { ...axis, values: (chart, splits) => splits.map(when), space: 64, size: 28 },
      { ...axis, values: (chart, splits) => splits.map(write), size: 68 },
    ],
    series: [{}, ...columns.map(({ tone }, place) => {
      const ink = colour(`--${tone}-mark`);
      return { stroke: ink, width: 2, dash: [[], [6, 4], [2, 3]][place % 3], points: { show: true, size: 5, fill: ink } };
    })],
  }, data, plot));
  tell();
}

const all = () => { for (const figure of drawn.keys()) if (figure.isConnected) draw(figure); else drawn.delete(figure); };
let pause;
window.addEventListener("resize", () => { clearTimeout(pause); pause = setTimeout(all, 150); });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", all);
new MutationObserver(all).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme", "data-clock"] });
ready("[data-chart]", draw);
