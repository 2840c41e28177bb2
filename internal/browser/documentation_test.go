package browser_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestDocumentationPages goes to the documentation and the explorer in both
// themes and widths.
func TestDocumentationPages(t *testing.T) {
	t.Parallel()
	g := start(t, shopFile)
	b := open(t, g.url)
	b.signIn("/documentation")
	b.gates("documentation-staff", "/documentation")
	b.gates("explorer-staff", "/documentation/explorer")
	client := open(t, g.url)
	client.signInClient(shopToken, "/documentation")
	client.gates("documentation", "/documentation")
	client.goTo("/documentation/explorer")
	client.await("the explorer", `document.querySelector("#explorer .opblock")`)
	client.gates("explorer", "/documentation/explorer")
	bank := open(t, g.url)
	bank.signInClient(bankToken, "/documentation")
	bank.see("No endpoints yet")
	bank.shot("documentation-empty")
}

// TestDocumentation is flow B15: a client reads of its own endpoint, tries it,
// runs the sample as it is printed, and executes in the explorer without its
// token being in the page.
func TestDocumentation(t *testing.T) {
	t.Parallel()
	g := start(t, strings.Replace(shopFile, "clients:", "  - {path: secret_route, resources: [Backup Chat]}\nclients:", 1))
	b := open(t, g.url)
	b.signInClient(shopToken, "/documentation")
	b.see("/api/send_alert")
	b.notSee("secret_route")
	b.await("the editor", `document.querySelector("json-editor").shadowRoot`)
	b.click("Send")
	b.see("Task 1")
	if got := g.sink.received("/primary"); len(got) != 0 && !strings.Contains(got[0].body, "12025550142") {
		t.Errorf("the provider got %+v", got)
	}
	b.click("Task 1")
	b.at("/tasks/1")

	b.goTo("/documentation")
	curl := js[string](b, `[...document.querySelectorAll(".sample pre")].map((e) => e.textContent).find((text) => text.includes("curl --fail"))`)
	command := exec.CommandContext(t.Context(), "bash", "-c", curl)
	command.Env = append(os.Environ(), "DISPATCHAPY_TOKEN="+shopToken)
	if answer, err := command.CombinedOutput(); err != nil || !strings.Contains(string(answer), `"task_id":2`) {
		t.Errorf("the sample: %v %s", err, answer)
	}

	b.goTo("/documentation/explorer")
	b.await("the explorer", `document.querySelector("#explorer .opblock-summary-control")`)
	b.click("#explorer .opblock-summary-control")
	b.click("#explorer .try-out__btn")
	b.click("#explorer .execute")
	b.await("the answer", `document.querySelector("#explorer .live-responses-table .response-col_status:not(.col_header)")?.textContent.includes("200")`)
	b.see(`"task_id": 2`) // the key of the sample's message: it is the same message
	b.see("idempotent-replayed: true")
	if js[bool](b, `document.documentElement.outerHTML.includes(`+quoted(shopToken)+`)`) {
		t.Error("the token is in the page")
	}
	if curl := js[string](b, `document.querySelector("#explorer .curl")?.textContent ?? ""`); !strings.Contains(curl, "/api/send_alert") || !strings.Contains(curl, "YOUR_TOKEN") {
		t.Errorf("the explorer's curl is %s", curl)
	}
	b.accessible()
	b.shot("explorer-executed")
}
