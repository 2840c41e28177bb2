// Package packaging_test checks the Dockerfile and the compose file for the
// properties that operators rely on. No container engine is needed, so that
// the checks run wherever the tests run.
package packaging_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// instruction is one logical line of a Dockerfile.
type instruction struct{ keyword, rest string }

// readStages splits a Dockerfile into stages, continuation lines joined.
func readStages(t *testing.T) [][]instruction {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	joined := regexp.MustCompile(`\\\n\s*`).ReplaceAllString(string(text), "")
	var stages [][]instruction
	for line := range strings.Lines(joined) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		keyword, rest, _ := strings.Cut(line, " ")
		if keyword == "FROM" {
			stages = append(stages, nil)
		}
		if len(stages) == 0 {
			t.Fatalf("%s before the first FROM", keyword)
		}
		last := len(stages) - 1
		stages[last] = append(stages[last], instruction{keyword, strings.TrimSpace(rest)})
	}
	if len(stages) != 2 {
		t.Fatalf("%d stages, want a build stage and the image", len(stages))
	}
	return stages
}

func rests(stage []instruction, keyword string) []string {
	var found []string
	for _, in := range stage {
		if in.keyword == keyword {
			found = append(found, in.rest)
		}
	}
	return found
}

func TestDockerfileInstructionsAreKnown(t *testing.T) {
	known := []string{"FROM", "WORKDIR", "COPY", "ARG", "RUN", "USER", "ENV", "VOLUME", "EXPOSE", "HEALTHCHECK", "ENTRYPOINT", "CMD"}
	for _, stage := range readStages(t) {
		for _, in := range stage {
			if !slices.Contains(known, in.keyword) {
				t.Errorf("unknown instruction %q", in.keyword)
			}
			if in.rest == "" {
				t.Errorf("%s without arguments", in.keyword)
			}
		}
	}
}

func TestDockerfileBuildStage(t *testing.T) {
	stages := readStages(t)
	build := stages[0]
	goMod, err := os.ReadFile(filepath.Join("..", "..", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	release := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindSubmatch(goMod)
	from := regexp.MustCompile(`^golang:(\d+\.\d+)\.\d+-\w+ AS build$`).FindStringSubmatch(build[0].rest)
	if from == nil || release == nil {
		t.Fatalf("FROM %s: want golang pinned to major.minor.patch-distribution AS build", build[0].rest)
	}
	if from[1] != string(release[1]) {
		t.Errorf("the image builds with Go %s, go.mod says %s", from[1], release[1])
	}
	run := strings.Join(rests(build, "RUN"), "\n")
	for _, want := range []string{"CGO_ENABLED=0", "-trimpath", "-X main.version=${VERSION}", "./cmd/dispatchapy"} {
		if !strings.Contains(run, want) {
			t.Errorf("the build command lacks %s", want)
		}
	}
}

func TestDockerfileImage(t *testing.T) {
	image := readStages(t)[1]
	if image[0].rest != "scratch" {
		t.Errorf("FROM %s: the static binary needs nothing but scratch", image[0].rest)
	}
	only := func(keyword, want string) {
		t.Helper()
		if got := rests(image, keyword); len(got) != 1 || got[0] != want {
			t.Errorf("%s is %q, want once %q", keyword, got, want)
		}
	}
	only("USER", "65532:65532") // numeric: orchestrators can see that it is not root
	only("VOLUME", "/data")
	only("EXPOSE", "8000")
	only("ENV", "DISPATCHAPY_DATA_DIR=/data")
	only("ENTRYPOINT", `["/dispatchapy"]`)
	only("CMD", `["serve"]`)

	if got := rests(image, "RUN"); len(got) > 0 {
		t.Errorf("RUN %q cannot work: scratch has no shell", got)
	}
	health := rests(image, "HEALTHCHECK")
	if len(health) != 1 || !strings.HasSuffix(health[0], `CMD ["/dispatchapy", "healthcheck"]`) {
		t.Errorf("HEALTHCHECK is %q, want the exec form of dispatchapy healthcheck", health)
	}
	copies := strings.Join(rests(image, "COPY"), "\n")
	for _, want := range []string{"/etc/ssl/certs/ca-certificates.crt", "--chown=65532:65532 /out/data /data", "/out/dispatchapy /dispatchapy"} {
		if !strings.Contains(copies, want) {
			t.Errorf("the image does not copy %s", want)
		}
	}
}

func TestDockerignoreKeepsSecretsOut(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", ".dockerignore"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Fields(string(text))
	for _, want := range []string{".git", ".env", "data"} {
		if !slices.Contains(lines, want) {
			t.Errorf(".dockerignore lacks %s", want)
		}
	}
}

func TestComposeFile(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docker-compose.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var compose struct {
		Name     string `yaml:"name"`
		Services map[string]struct {
			Build       map[string]any    `yaml:"build"`
			Image       string            `yaml:"image"`
			Restart     string            `yaml:"restart"`
			Ports       []string          `yaml:"ports"`
			Environment map[string]string `yaml:"environment"`
			Volumes     []string          `yaml:"volumes"`
			StopGrace   string            `yaml:"stop_grace_period"`
			ReadOnly    bool              `yaml:"read_only"`
			CapDrop     []string          `yaml:"cap_drop"`
			SecurityOpt []string          `yaml:"security_opt"`
		} `yaml:"services"`
		Volumes map[string]any `yaml:"volumes"`
	}
	if err := yaml.UnmarshalWithOptions(text, &compose, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	if compose.Name != "dispatchapy" {
		t.Errorf("the project is called %q: its volume would be named after the directory", compose.Name)
	}
	if len(compose.Services) != 1 {
		t.Fatalf("%d services, want one: the gateway needs no other", len(compose.Services))
	}
	service := compose.Services["dispatchapy"]
	if service.Restart != "unless-stopped" {
		t.Errorf("restart is %q", service.Restart)
	}
	if !slices.Equal(service.Ports, []string{"8000:8000"}) {
		t.Errorf("ports are %q", service.Ports)
	}
	if _, declared := compose.Volumes["data"]; !declared || !slices.Contains(service.Volumes, "data:/data") {
		t.Errorf("data is not in a named volume: %q", service.Volumes)
	}
	if !service.ReadOnly || !slices.Contains(service.CapDrop, "ALL") || !slices.Contains(service.SecurityOpt, "no-new-privileges:true") {
		t.Error("the container has more rights than it needs")
	}

	// Only variables in the form ${X:?message} must be set by the operator.
	required := regexp.MustCompile(`\$\{(\w+):\?([^}]+)\}`).FindAllStringSubmatch(string(text), -1)
	if len(required) != 1 || required[0][1] != "GATEWAY_ADMIN_PASSWORD" || !strings.Contains(required[0][2], "GATEWAY_ADMIN_PASSWORD") {
		t.Errorf("required variables are %q, want GATEWAY_ADMIN_PASSWORD alone with a message naming it", required)
	}
	for _, bare := range regexp.MustCompile(`\$\{\w+\}|\$\w+`).FindAllString(string(text), -1) {
		t.Errorf("%s has neither a default nor a message", bare)
	}
	if len(service.Environment) != 1 {
		t.Errorf("environment is %v, want the password alone", service.Environment)
	}
}
