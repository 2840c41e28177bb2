// What happens on the server reaches the page: one stream for all tabs of the
// browser, in a shared worker where there are such, else one in the tab that is
// looked at. Without a stream the page asks every ten seconds.
//
// An element says by data-live="task resource" of which kinds of events it
// lives. It is then fetched anew, at most every quarter of a second, and morphed.
import { $, $$, asset, ready, word } from "./core.js";

const most = 250; // ms between two fetches of an element, unless data-live-every says otherwise
const poll = 10_000;
const patience = 3_000; // ms until it is said that there is no stream yet
const dot = () => $("#live-dot");
const busy = new Map(); // id -> {again, timer}

let current = "connecting"; // looks as "live" does but for its colour, so that nothing moves when it is

function show(state) {
  if (current === "paused" && state !== "resumed") return;
  current = state;
  draw();
}

// draw writes the state into the dot, which may be a new one.
function draw() {
  const element = dot();
  if (!element) return;
  element.dataset.state = current;
  $("span", element).textContent = word({ connecting: "Live", live: "Live", reconnecting: "Reconnecting", polling: "Every 10 s", paused: "Paused" }[current] ?? current);
}

const paused = () => current === "paused" || document.hidden;

function refresh(element) {
  const id = element.id;
  const running = busy.get(id);
  if (running) {
    running.again = true;
    return;
  }
  const state = { again: false };
  busy.set(id, state);
  const begun = performance.now();
  const url = element.dataset.liveUrl ?? location.href;
  Promise.resolve(window.htmx.ajax("GET", url, { source: element, target: `#${CSS.escape(id)}`, select: `#${CSS.escape(id)}`, swap: "morph:outerHTML" })).catch(() => {}).finally(() => {
    setTimeout(() => {
      busy.delete(id);
      const now = document.getElementById(id);
      if (state.again && now) refresh(now);
    }, Math.max(0, Number(element.dataset.liveEvery ?? most) - (performance.now() - begun)));
  });
}

// take tells the page's own scripts first: a list that must not jump under
// somebody's hands cancels the event and shows how many are new.
function take(event) {
  countOf(event.kind);
  for (const element of $$("[data-live]")) {
    if (event.kind !== "resync" && !concerns(element, event)) continue;
    if (event.state === "deleted" && element.dataset.liveId) {
      for (const note of $$("[data-deleted]", element)) note.hidden = false;
      continue;
    }
    const asked = new CustomEvent("live:event", { detail: event, cancelable: true, bubbles: true });
    if (element.dispatchEvent(asked)) refresh(element);
  }
}

function concerns({ dataset }, event) {
  return dataset.live.split(" ").includes(event.kind) && (!dataset.liveId || !event.id || dataset.liveId === String(event.id));
}

// How much is held, and what is wrong, stands beside its place on every page.
const counting = new Set(); // addresses that are about to be asked
function countOf(kind) {
  for (const badge of $$("[data-count]")) {
    const url = badge.dataset.count;
    if (kind !== badge.dataset.countOf && kind !== "resync" || counting.has(url)) continue;
    counting.add(url);
    setTimeout(() => count(url), 500);
  }
}

async function count(url) {
  const answer = await fetch(url).catch(() => null);
  counting.delete(url);
  if (!answer?.ok || answer.redirected) return;
  const text = await answer.text();
  for (const badge of $$("[data-count]").filter((badge) => badge.dataset.count === url)) {
    badge.textContent = text;
    badge.hidden = !text;
  }
}

// What somebody has opened stays open when the page around it is renewed.
window.Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, element) => !(name === "open" && element.matches("details, dialog"));

let waiting = [];
function receive(message) {
  if (message.state) {
    show(message.state);
    return;
  }
  if (paused()) {
    waiting = waiting.length < 500 ? [...waiting, ...message] : [{ kind: "resync" }];
    return;
  }
  message.forEach(take);
}

function resume() {
  const missed = waiting;
  waiting = [];
  if (missed.length > 20) take({ kind: "resync" });
  else missed.forEach(take);
}
document.addEventListener("visibilitychange", () => { if (!paused()) resume(); });
document.addEventListener("click", (event) => {
  if (!event.target.closest?.("#live-dot")) return;
  if (current === "paused") {
    show("resumed");
    show("live");
    resume();
  } else {
    show("paused");
  }
});

let poller;
function startPolling() {
  show("polling");
  poller ??= setInterval(() => receive([{ kind: "resync" }]), poll);
}

function connect() {
  const { stream: url, position: from } = document.documentElement.dataset;
  if (!url) return;
  if (window.SharedWorker) {
    const worker = new SharedWorker(asset("./live-worker.js"), { name: "live" });
    worker.onerror = () => direct(url, from);
    worker.port.onmessage = (event) => receive(event.data);
    worker.port.start();
    worker.port.postMessage({ open: url, from });
    window.addEventListener("pagehide", () => worker.port.postMessage({ close: true }));
  } else {
    direct(url, from);
  }
}

// direct opens the stream in this tab, and only while it is looked at: browsers
// allow few connections to one server.
function direct(url, from) {
  if (!window.EventSource) return startPolling();
  let source;
  const open = () => {
    if (source || document.hidden) return;
    source = new EventSource(from ? `${url}?from=${encodeURIComponent(from)}` : url);
    source.onopen = () => receive({ state: "live" });
    source.onerror = () => {
      receive({ state: "reconnecting" });
      if (source.readyState === EventSource.CLOSED) startPolling();
    };
    source.onmessage = (event) => receive(JSON.parse(event.data));
  };
  const close = () => { source?.close(); source = undefined; };
  document.addEventListener("visibilitychange", () => (document.hidden ? close() : (open(), take({ kind: "resync" }))));
  open();
}

// Pages that are put into this one may have the first dot, or another one.
let connected = false;
ready("#live-dot", () => {
  if (!connected) {
    connect();
    setTimeout(() => { if (current === "connecting") show("reconnecting"); }, patience);
  }
  connected = true;
  draw();
});
