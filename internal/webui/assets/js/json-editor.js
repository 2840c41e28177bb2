// <json-editor> makes a text area an editor: colours, brackets, faults marked
// where they are. The text area stays what the form sends, and works alone.
//
// The editor writes style elements, which the pages' policy forbids; within a
// shadow root it uses constructed sheets, which are allowed.

class JSONEditor extends HTMLElement {
  async connectedCallback() {
    const area = this.querySelector("textarea");
    if (!area || this.view) return;
    const lib = await import("./editor.js");
    if (!this.isConnected || this.view) return;
    const height = area.offsetHeight; // it has none beside a shadow root
    const root = this.attachShadow({ mode: "open" });
    const { EditorView, EditorState, keymap, lineNumbers, drawSelection, highlightActiveLine, placeholder } = lib;
    const { defaultKeymap, history, historyKeymap, bracketMatching, indentOnInput, foldGutter, json, jsonParseLinter, linter, lintGutter, closeBrackets } = lib;
    const { HighlightStyle, syntaxHighlighting, tags } = lib;
    const colours = HighlightStyle.define([
      { tag: tags.propertyName, color: "var(--accent)" }, { tag: tags.string, color: "var(--ok)" }, { tag: tags.number, color: "var(--held)" },
      { tag: [tags.bool, tags.null], color: "var(--warn)" }, { tag: tags.punctuation, color: "var(--text-3)" },
    ]);
    const theme = EditorView.theme({
      "&": { border: "1px solid var(--border-strong)", borderRadius: "6px", background: "var(--surface)", color: "var(--text)", fontSize: "13px" },
      "&.cm-focused": { outline: "2px solid var(--focus)", outlineOffset: "2px" },
      ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "20px", minHeight: this.dataset.minHeight ?? `${Math.max(height - 2, 120)}px`, maxHeight: this.dataset.maxHeight ?? "420px", overflow: "auto" },
      ".cm-gutters": { background: "var(--sunken)", color: "var(--text-3)", border: "0", borderRadius: "6px 0 0 6px" },
      ".cm-activeLine, .cm-activeLineGutter": { background: "color-mix(in srgb, var(--sunken) 60%, transparent)" },
      ".cm-cursor": { borderLeftColor: "var(--text)" },
      "&.cm-focused .cm-selectionBackground, .cm-selectionBackground": { background: "color-mix(in srgb, var(--accent) 24%, transparent) !important" },
      ".cm-tooltip": { background: "var(--surface)", color: "var(--text)", border: "1px solid var(--border)" },
    });
    const parse = jsonParseLinter();
    this.view = new EditorView({
      root, parent: root,
      state: EditorState.create({
        doc: area.value,
        extensions: [
          lineNumbers(), foldGutter(), history(), drawSelection(), highlightActiveLine(), bracketMatching(), closeBrackets(), indentOnInput(), json(),
          linter((view) => (view.state.doc.length ? parse(view) : [])), lintGutter(), syntaxHighlighting(colours), theme,
          keymap.of([...defaultKeymap.filter((binding) => binding.key !== "Mod-Enter"), ...historyKeymap]),
          placeholder(area.placeholder || ""), EditorView.editable.of(!area.readOnly), EditorState.readOnly.of(area.readOnly),
          EditorView.contentAttributes.of({ tabindex: "0", "aria-label": area.getAttribute("aria-label") ?? area.labels?.[0]?.textContent?.trim() ?? "JSON", "aria-multiline": "true" }),
          EditorView.updateListener.of((update) => {
            if (!update.docChanged) return;
            area.value = update.state.doc.toString();
            area.dispatchEvent(new Event("input", { bubbles: true }));
          }),
        ],
      }),
    });
    area.hidden = true;
    area.labels?.[0]?.addEventListener("click", () => this.view.focus());
    area.form?.addEventListener("reset", () => setTimeout(() => this.set(area.defaultValue)));
    area.setText = (text) => this.set(text);
  }

  set(text) {
    this.view.dispatch({ changes: { from: 0, to: this.view.state.doc.length, insert: text } });
  }

  focus() { this.view ? this.view.focus() : this.querySelector("textarea")?.focus(); }
}

customElements.define("json-editor", JSONEditor);
