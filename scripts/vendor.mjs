// Brings the front-end libraries into internal/webui/assets/vendor, as they are
// published, and writes the lock file with name, version, licence and SHA-256.
//
//   node scripts/vendor.mjs          fetch, compare with the lock file, write
//   node scripts/vendor.mjs --lock   write a new lock file after a version was raised here
//
// Needs npm and gzip. Nothing that the packages contain is run: no install
// scripts, and esbuild only puts the editor's modules into one file.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, writeFileSync, rmSync, mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const here = dirname(fileURLToPath(import.meta.url));
const assets = join(here, "../internal/webui/assets");
const lockFile = join(assets, "vendor.lock.json");

const files = [
  { package: "htmx.org", version: "2.0.11", licence: "0BSD", from: "dist/htmx.min.js", to: "htmx.js" },
  { package: "idiomorph", version: "0.8.0", licence: "0BSD", from: "dist/idiomorph-ext.min.js", to: "idiomorph.js" },
  { package: "sortablejs", version: "1.15.7", licence: "MIT", from: "Sortable.min.js", to: "sortable.js" },
  { package: "uplot", version: "1.6.32", licence: "MIT", from: "dist/uPlot.iife.min.js", to: "uplot.js" },
  { package: "uplot", version: "1.6.32", licence: "MIT", from: "dist/uPlot.min.css", to: "uplot.css" },
  { package: "swagger-ui-dist", version: "5.35.0", licence: "Apache-2.0", from: "swagger-ui-bundle.js", to: "swagger-ui.js" },
  { package: "swagger-ui-dist", version: "5.35.0", licence: "Apache-2.0", from: "swagger-ui.css", to: "swagger-ui.css" },
  { package: "axe-core", version: "4.14.1", licence: "MPL-2.0", from: "axe.min.js", to: "../../../browser/testdata/axe.js" },
];

// The editor is published as modules that only work together.
const editor = {
  to: "editor.js",
  licence: "MIT",
  packages: {
    "@codemirror/state": "6.7.6", "@codemirror/view": "6.43.15", "@codemirror/commands": "6.11.1", "@codemirror/language": "6.13.1",
    "@codemirror/lang-json": "6.0.2", "@codemirror/lint": "6.9.8", "@codemirror/autocomplete": "6.20.4", "@lezer/highlight": "1.2.5",
  },
  bundler: "0.28.2",
  entry: `
export { EditorState, Compartment } from "@codemirror/state";
export { EditorView, keymap, lineNumbers, highlightActiveLine, drawSelection, placeholder } from "@codemirror/view";
export { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
export { HighlightStyle, syntaxHighlighting, bracketMatching, foldGutter, indentOnInput } from "@codemirror/language";
export { json, jsonParseLinter } from "@codemirror/lang-json";
export { linter, lintGutter } from "@codemirror/lint";
export { autocompletion, closeBrackets } from "@codemirror/autocomplete";
export { tags } from "@lezer/highlight";
`,
};

// One sprite of the icons that the pages use, beside the marks of state, which
// are our own (assets/marks.svg).
const icons = {
  package: "lucide-static", version: "1.62.0", licence: "ISC", to: "icons.svg",
  names: [
    "activity", "arrow-down", "arrow-left", "arrow-right", "arrow-up", "ban", "bell", "book-open", "braces", "calendar-clock", "check", "chevron-down", "chevron-left",
    "chevron-right", "chevron-up", "circle-alert", "circle-help", "clipboard-list", "clock", "code", "copy", "download", "ellipsis", "external-link", "eye", "eye-off", "file-diff",
    "flask-conical", "grip-vertical", "history", "house", "inbox", "info", "key-round", "keyboard", "languages", "layers", "link", "list-filter", "lock", "log-out", "mail", "menu", "monitor", "moon",
    "network", "octagon-x", "panel-left", "pause", "pencil", "play", "plus", "printer", "refresh-cw", "route", "save", "search", "send", "server", "settings", "share-2", "shield", "siren",
    "sliders-horizontal", "square", "star", "sun", "table", "terminal", "timer", "trash-2", "triangle-alert", "undo-2", "unlink", "upload", "user", "users", "webhook", "wrench", "x", "zap",
  ],
};

function sprite(dir) {
  const symbols = icons.names.map((name) => {
    const svg = readFileSync(join(dir, "icons", name + ".svg"), "utf8");
    const body = svg.slice(svg.indexOf(">", svg.indexOf("<svg")) + 1, svg.lastIndexOf("</svg>")).replace(/\s+/g, " ").trim();
    return `<symbol id="${name}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round">${body}</symbol>`;
  });
  return Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg">\n${symbols.join("\n")}\n</svg>\n`);
}

const sha256 = (data) => createHash("sha256").update(data).digest("hex");
const work = mkdtempSync(join(tmpdir(), "vendor-"));
const npm = (args, cwd = work) => execFileSync("npm", args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] }).trim();

function unpack(name, version) {
  const dir = join(work, `${name}-${version}`.replaceAll("/", "-"));
  mkdirSync(dir, { recursive: true });
  const packed = npm(["pack", `${name}@${version}`, "--silent", "--ignore-scripts"], dir).split("\n").pop();
  execFileSync("tar", ["xzf", packed], { cwd: dir });
  return join(dir, "package");
}

function bundleEditor() {
  const dir = join(work, "editor");
  mkdirSync(dir);
  writeFileSync(join(dir, "package.json"), JSON.stringify({ private: true, dependencies: editor.packages }));
  npm(["install", "--ignore-scripts", "--no-audit", "--no-fund", "--silent", "--save-exact", `esbuild@${editor.bundler}`], dir);
  writeFileSync(join(dir, "entry.js"), editor.entry);
  execFileSync("npx", ["esbuild", "entry.js", "--bundle", "--minify", "--format=esm", "--legal-comments=inline", "--outfile=out.js"], { cwd: dir });
  return readFileSync(join(dir, "out.js"));
}

const lock = [];
const add = (entry, data) => {
  lock.push({ ...entry, sha256: sha256(data), bytes: data.length });
  if (entry.file.startsWith("../")) {
    mkdirSync(dirname(join(assets, "vendor", entry.file)), { recursive: true });
    writeFileSync(join(assets, "vendor", entry.file), data);
    return;
  }
  writeFileSync(join(assets, "vendor", entry.file + ".gz"), gzipSync(data, { level: 9 }));
};

try {
  for (const f of files) {
    add({ file: f.to, package: f.package, version: f.version, licence: f.licence }, readFileSync(join(unpack(f.package, f.version), f.from)));
  }
  add({ file: icons.to, package: icons.package, version: icons.version, licence: icons.licence }, sprite(unpack(icons.package, icons.version)));
  const packages = Object.entries(editor.packages).map(([name, version]) => `${name}@${version}`).join(" ");
  add({ file: editor.to, package: packages, version: `bundled by esbuild ${editor.bundler}`, licence: editor.licence }, bundleEditor());
  const text = JSON.stringify(lock, null, 1) + "\n";
  if (!process.argv.includes("--lock") && text !== readFileSync(lockFile, "utf8")) {
    throw new Error("what was fetched is not what the lock file says: see git diff, or run with --lock");
  }
  writeFileSync(lockFile, text);
} finally {
  rmSync(work, { recursive: true });
}
