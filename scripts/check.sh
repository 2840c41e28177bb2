#!/usr/bin/env bash
# Every check of the project, in the order in which a failure is cheapest.
#
#   scripts/check.sh              all steps
#   scripts/check.sh vet tests    only these
#
# Needs Go, git, bash and, for the race detector, a C compiler. What else is
# needed is installed into .bin, once. A failed step does not stop the others;
# the exit status is 1 if any failed.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly steps=(tools format vet lint tests fuzz image)
readonly lint_version=2.15.0
readonly fuzz_time=${FUZZTIME:-5s}
lint_bin=$PWD/.bin/golangci-lint

# is_linter says whether $1 is the linter in the wanted version.
is_linter() {
	[[ -x $1 && $("$1" version --short 2>/dev/null) == "$lint_version" ]]
}

step_tools() {
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
	if [[ $(CGO_ENABLED=1 go env CGO_ENABLED) == 1 ]] && command -v "$(go env CC)" >/dev/null; then
		# The race detector brings pointer checks along, which take most of the
		# time in SQLite's translated code and nothing is learnt from there.
		CGO_ENABLED=1 go test -race -gcflags='modernc.org/...=-d=checkptr=0' -shuffle=on -timeout=10m ./...
		return
	fi
	echo "*** NO C COMPILER FOUND: the tests run WITHOUT the race detector. Install gcc. ***"
	CGO_ENABLED=0 go test -shuffle=on -timeout=10m ./...
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
