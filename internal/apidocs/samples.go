package apidocs

import (
	"fmt"
	"go/format"
	"strings"

	"dispatchapy"
	"dispatchapy/internal/routing"
)

// TokenVariable is the environment variable from which all samples take the
// token, so that it is never written into code.
const TokenVariable = "DISPATCHAPY_TOKEN"

// Sample is a program that sends one message, to be run as it is. It prints
// the answer and fails if the message is not accepted.
type Sample struct {
	Language string // for highlighting: bash, go, python, javascript, php
	Label    string // for people
	Code     string
}

// maxComment is the length of a comment, in characters.
const maxComment = 100

// Samples gives a program per language for an endpoint of the gateway at
// serverURL, which is like https://gateway.example.com.
func Samples(endpoint *routing.Endpoint, serverURL string) []Sample {
	call := newCall(endpoint.Endpoint, serverURL)
	return []Sample{
		{"bash", "curl", call.curl()},
		{"go", "Go", call.golang()},
		{"python", "Python", call.python()},
		{"javascript", "JavaScript (Node 20)", call.javaScript()},
		{"php", "PHP", call.php()},
	}
}

// call is what all samples do.
type call struct {
	comment string // one line
	url     string
	message object
}

func newCall(e *dispatchapy.Endpoint, serverURL string) call {
	return call{
		comment: oneLine(summary(e), maxComment),
		url:     strings.TrimRight(serverURL, "/") + callPath(e.Path),
		message: exampleMessage(parametersOf(e)),
	}
}

func (c call) curl() string {
	return fmt.Sprintf(`# %s
# The Idempotency-Key is made of ref: repeating a message sends it only once.
curl --fail-with-body --max-time 30 --globoff %s \
  -H "X-API-Token: $%s" \
  -H 'Content-Type: application/json' \
  -H %s \
  --data-raw %s
`, c.comment, quoteShell(c.url), TokenVariable, quoteShell("Idempotency-Key: "+exampleRef), quoteShell(indentedJSON.text(c.message, 0)))
}

func (c call) golang() string {
	code := fmt.Sprintf(`package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"time"
)

func main() {
	// %s
	message := %s
	answer, err := send(message)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(answer)
}

func send(message map[string]any) (string, error) {
	body, err := json.Marshal(message)
	if err != nil {
		return "", err
	}
	request, err := http.NewRequest(http.MethodPost, %s, bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	request.Header.Set("X-API-Token", os.Getenv(%q))
	request.Header.Set("Content-Type", "application/json")
	// Repeating a message sends it only once.
	request.Header.Set("Idempotency-Key", fmt.Sprint(message["ref"]))
	client := &http.Client{Timeout: 30 * time.Second}
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%%s: %%s", response.Status, answer)
	}
	return string(answer), err
}
`, c.comment, goValues.text(c.message, 1), quoteGo(c.url), TokenVariable)
	aligned, err := format.Source([]byte(code))
	if err != nil {
		return code // aligning is only for looks
	}
	return string(aligned)
}

// The comment is not in the first two lines, where Python would take "coding:"
// for a declaration.
func (c call) python() string {
	return fmt.Sprintf(`import json
import os
import urllib.error
import urllib.request

# %s
message = %s
request = urllib.request.Request(
    %s,
    data=json.dumps(message).encode(),
    headers={
        "X-API-Token": os.environ["%s"],
        "Content-Type": "application/json",
        # Repeating a message sends it only once.
        "Idempotency-Key": message["ref"],
    },
    method="POST",
)
try:
    with urllib.request.urlopen(request, timeout=30) as answer:
        print(answer.read().decode())
except urllib.error.HTTPError as error:
    raise SystemExit(f"{error.code}: {error.read().decode()}")
`, c.comment, python.text(c.message, 0), quoteGo(c.url), TokenVariable)
}

// The call is in a function because not every way to run a file allows await
// outside of one.
func (c call) javaScript() string {
	return fmt.Sprintf(`// %s
const message = %s;

async function send(message) {
  const response = await fetch(%s, {
    method: "POST",
    headers: {
      "X-API-Token": process.env.%s,
      "Content-Type": "application/json",
      // Repeating a message sends it only once.
      "Idempotency-Key": message.ref,
    },
    body: JSON.stringify(message),
    signal: AbortSignal.timeout(30_000),
  });
  const answer = await response.text();
  if (!response.ok) {
    throw new Error(`+"`${response.status}: ${answer}`"+`);
  }
  return answer;
}

send(message).then(console.log, (error) => {
  console.error(error);
  process.exitCode = 1;
});
`, c.comment, javaScript.text(c.message, 0), quoteJSON(c.url), TokenVariable)
}

func (c call) php() string {
	return fmt.Sprintf(`<?php
// %s
$message = %s;
$request = curl_init(%s);
curl_setopt_array($request, [
    CURLOPT_POST => true,
    CURLOPT_POSTFIELDS => json_encode($message, JSON_THROW_ON_ERROR),
    CURLOPT_HTTPHEADER => [
        "X-API-Token: " . getenv("%s"),
        "Content-Type: application/json",
        // Repeating a message sends it only once.
        "Idempotency-Key: " . $message["ref"],
    ],
    CURLOPT_RETURNTRANSFER => true,
    CURLOPT_TIMEOUT => 30,
]);
$answer = curl_exec($request);
if ($answer === false) {
    fwrite(STDERR, curl_error($request) . "\n");
    exit(1);
}
$status = curl_getinfo($request, CURLINFO_RESPONSE_CODE);
if ($status !== 200) {
    fwrite(STDERR, "$status: $answer\n");
    exit(1);
}
echo $answer, "\n";
`, c.comment, php.text(c.message, 0), quotePHP(c.url), TokenVariable)
}
