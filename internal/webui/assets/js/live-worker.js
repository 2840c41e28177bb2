// One stream of events for all tabs of a browser. It ends with the last tab.
const ports = new Set();
let source, state = "reconnecting", url, giveUp;
let at = ""; // position of the changes that all tabs know of

const tell = (message) => { for (const port of ports) port.postMessage(message); };

function become(next) {
  state = next;
  tell({ state });
}

// EventSource asks again by itself, with the id of the last event. Where the
// server refused (signed out, too many streams) it does not: then we do.
function open() {
  source?.close();
  clearTimeout(giveUp);
  source = new EventSource(at ? `${url}?from=${encodeURIComponent(at)}` : url);
  source.onopen = () => become("live");
  source.onmessage = (event) => {
    at = event.lastEventId || at;
    tell(JSON.parse(event.data));
  };
  source.onerror = () => {
    if (source.readyState !== EventSource.CLOSED) {
      become("reconnecting");
      return;
    }
    become("polling");
    giveUp = setTimeout(open, 30_000);
    tell([{ kind: "resync" }]);
  };
}

function close() {
  source?.close();
  clearTimeout(giveUp);
  source = undefined;
}

onconnect = (event) => {
  const [port] = event.ports;
  port.onmessage = ({ data }) => {
    if (data.close) {
      ports.delete(port);
      if (!ports.size) close();
      return;
    }
    ports.add(port);
    if (data.open !== url || !source) {
      url = data.open;
      at = data.from;
      open();
      return;
    }
    port.postMessage({ state });
    // The other tabs were told already of what came since this page was made.
    if (data.from !== at) port.postMessage([{ kind: "resync" }]);
  };
};

// While polling, tabs are told to ask every ten seconds.
setInterval(() => { if (state === "polling" && ports.size) tell([{ kind: "resync" }]); }, 10_000);
