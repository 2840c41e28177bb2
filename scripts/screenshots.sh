#!/usr/bin/env bash
# Takes a picture of every page, light and dark, 1400 and 390 pixels wide, into
# the folder $1 (default: screenshots). Needs Chromium.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
folder=${1:-screenshots}
mkdir -p "$folder"
SCREENSHOTS=$(cd "$folder" && pwd) REQUIRE_BROWSER=1 go test -count=1 -timeout=20m ./internal/browser "${@:2}"
echo "$(find "$folder" -name '*.png' | wc -l) pictures in $folder"
