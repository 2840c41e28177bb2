#!/usr/bin/env bash
# Every check of the project, in the order in which a failure is cheapest.
#
#   scripts/check.sh              all steps
#   scripts/check.sh vet tests    only these
#
# Needs Go, git and bash. What else is needed is installed, once: the linter into
# .bin and, as root on Debian or a relative of it, a C compiler for the race
# detector and the programs with which tests run code samples and pages. A failed
# step does not stop the others; the exit status is 1 if any failed.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly steps=(tools format vet lint tests fuzz image)
readonly lint_version=2.15.0
readonly fuzz_time=${FUZZTIME:-5s}
readonly browser_tests=internal/browser
lint_bin=$PWD/.bin/golangci-lint

# is_linter says whether $1 is the linter in the wanted version.
is_linter() {
	[[ -x $1 && $("$1" version --short 2>/dev/null) == "$lint_version" ]]
}

# programs are what tests are skipped without: how to see that it is there, the
# Debian packages and what is not tested.
readonly programs=(
	"has \"\$(go env CC)\"|gcc libc6-dev|data races"
	"has curl|curl|the code sample for curl"
	"has python3|python3|the code sample in Python"
	"has node|nodejs|the code sample in JavaScript"
	"has php && php -r 'exit((int) !extension_loaded(\"curl\"));'|php-cli php-curl|the code sample in PHP"
	"has chromium chromium-browser google-chrome|chromium|the web interface in a browser"
)

# has says whether one of the programs $@ is there.
has() {
	local name
	for name; do
		[[ -n $(type -P "$name") ]] && return
	done
	return 1
}

# install_packages installs Debian packages. The lists of packages are only
# renewed if it does not work with those that are there.
install_packages() {
	local -x DEBIAN_FRONTEND=noninteractive
	local install=(apt-get install -y -qq --no-install-recommends "$@")
	"${install[@]}" 2>/dev/null || { apt-get update -qq && "${install[@]}"; }
}

# install_programs installs what tests need and says what will not be tested.
# Without it everything else is still checked, and so it does not fail.
install_programs() {
	local entry is_there packages untested missing=()
	for entry in "${programs[@]}"; do
		IFS='|' read -r is_there packages untested <<<"$entry"
		# shellcheck disable=SC2206 # packages are words
		eval "$is_there" || missing+=($packages)
	done
	((${#missing[@]})) || return 0
	if ((EUID == 0)) && has apt-get; then
		echo "installing ${missing[*]}"
		install_packages "${missing[@]}" >/dev/null || echo "apt-get failed"
	fi
	for entry in "${programs[@]}"; do
		IFS='|' read -r is_there packages untested <<<"$entry"
		eval "$is_there" || echo "*** NOT TESTED: $untested. Install $packages. ***"
	done
}

step_tools() {
	install_programs
	is_linter "$lint_bin" && return
	local installed
	installed=$(command -v golangci-lint || echo "$(go env GOPATH)/bin/golangci-lint")
	if is_linter "$installed"; then
		mkdir -p .bin && ln -sf "$installed" "$lint_bin"
		return
	fi
	echo "installing golangci-lint v$lint_version into .bin (about two minutes, once)"
	GOBIN=$PWD/.bin CGO_ENABLED=0 go install "github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v$lint_version"
}

step_format() {
	local files
	files=$(gofmt -l .) || return
	[[ -z $files ]] || { printf 'not formatted, run gofmt -w:\n%s\n' "$files"; return 1; }
}

step_vet() {
	go vet ./...
}

step_lint() {
	"$lint_bin" run ./...
}

step_tests() {
	local failed=0
	if [[ $(CGO_ENABLED=1 go env CGO_ENABLED) == 1 ]] && command -v "$(go env CC)" >/dev/null; then
		# SQLite's translated C is not watched, like C itself would not be: it
		# takes most of the time and nothing is learnt from there. The driver is.
		# shellcheck disable=SC2046 # packages are words
		CGO_ENABLED=1 go test -race -shuffle=on -timeout=10m -gcflags='modernc.org/...=-d=checkptr=0' \
			-gcflags='modernc.org/libc=-race=false' -gcflags='modernc.org/sqlite/lib=-race=false' \
			$(go list ./... | grep -v "/$browser_tests\$") || failed=1
		tests_without_race || failed=1
		tests_in_browser || failed=1
		return $failed
	fi
	echo "*** NO C COMPILER FOUND: the tests run WITHOUT the race detector. Install gcc. ***"
	CGO_ENABLED=0 go test -shuffle=on -timeout=10m ./...
}

# tests_in_browser runs what is seen in a real browser, alone and without the
# race detector, because pages have limits of time. What serves them is run with
# it by the tests of the other packages.
tests_in_browser() {
	CGO_ENABLED=0 go test -shuffle=on -timeout=10m "./$browser_tests"
}

# tests_without_race runs the tests that the race detector would make too slow:
# those in files with a build constraint against it.
tests_without_race() {
	local file names failed=0
	while read -r file; do
		names=$(grep -oP '^func \KTest\w+' "$file" | paste -sd'|')
		CGO_ENABLED=0 go test -run="^($names)\$" "./$(dirname "$file")" || failed=1
	done < <(git ls-files -co --exclude-standard -- '*_test.go' | xargs -r grep -l '^//go:build .*!race')
	return $failed
}

# fuzz runs the target $2 of the directory $1. On a busy machine Go may report
# the end of the time itself as a failure of the target. That is told from a
# finding, which comes with the input that fails, and is tried once more.
fuzz() {
	local log attempt
	log=$(mktemp)
	for attempt in 1 2; do
		if go test -run='^$' -fuzz="^$2\$" -fuzztime="$fuzz_time" -fuzzminimizetime=10x "./$1" 2>&1 | tee "$log"; then
			rm "$log"
			return 0
		fi
		grep -q 'context deadline exceeded' "$log" && ! grep -q 'Failing input' "$log" || break
		((attempt == 2)) || echo "the time was over before a worker was; once more"
	done
	rm "$log"
	return 1
}

# step_fuzz finds the fuzz targets by name, so that a new one needs no entry.
step_fuzz() {
	local failed=0 found=0 file name
	while IFS=: read -r file name; do
		found=1
		echo "$(dirname "$file") $name"
		fuzz "$(dirname "$file")" "$name" || failed=1
	done < <(git ls-files -co --exclude-standard -- '*_test.go' | xargs -r grep -HoP '^func \KFuzz\w+')
	((found)) || echo "no fuzz targets"
	return $failed
}

step_image() {
	./scripts/check-image.sh
}

main() {
	local wanted=("$@") failed=() step begun
	((${#wanted[@]})) || wanted=("${steps[@]}")
	for step in "${wanted[@]}"; do
		declare -F "step_$step" >/dev/null || { echo "no step '$step'; there are: ${steps[*]}" >&2; exit 2; }
	done
	for step in "${wanted[@]}"; do
		echo "==> $step"
		begun=$SECONDS
		if "step_$step"; then
			echo "    ok, $((SECONDS - begun)) s"
		else
			echo "    FAILED, $((SECONDS - begun)) s"
			failed+=("$step")
		fi
	done
	if ((${#failed[@]})); then
		echo "FAILED: ${failed[*]}"
		exit 1
	fi
	echo "all checks passed in $SECONDS s"
}

main "$@"
