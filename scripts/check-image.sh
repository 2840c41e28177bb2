#!/usr/bin/env bash
# Runs the static binary as the container image would, without a container
# engine: empty environment, numeric user without rights, and (as root) a root
# directory that holds nothing but what the Dockerfile copies. The Dockerfile
# and the compose file themselves are checked by internal/packaging.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly uid=65532 addr=127.0.0.1:${CHECK_PORT:-18473}
root=$(mktemp -d)
pid=
clean_up() {
	[[ -z $pid ]] || kill -KILL "$pid" 2>/dev/null || true
	rm -rf "$root"
}
trap clean_up EXIT

fail() {
	echo "$1" >&2
	[[ ! -f $root/log ]] || tail -20 "$root/log" >&2
	exit 1
}

mkdir "$root/data"
CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags '-s -w -X main.version=check' -o "$root/dispatchapy" ./cmd/dispatchapy
if command -v ldd >/dev/null && ldd "$root/dispatchapy" >/dev/null 2>&1; then
	fail "the binary is not static"
fi

environment=(DISPATCHAPY_ADDR="$addr" GATEWAY_ADMIN_PASSWORD=check-image)
if ((EUID == 0)) && command -v chroot >/dev/null; then
	chown "$uid:$uid" "$root/data"
	chmod 755 "$root"
	inside=(env -i "${environment[@]}" DISPATCHAPY_DATA_DIR=/data "$(command -v chroot)" --userspec="$uid:$uid" "$root" /dispatchapy)
else
	echo "not root: the binary runs outside a chroot, as the present user"
	inside=(env -i "${environment[@]}" DISPATCHAPY_DATA_DIR="$root/data" "$root/dispatchapy")
fi

"${inside[@]}" serve >"$root/log" 2>&1 &
pid=$!

# The image's HEALTHCHECK is the same command.
for ((i = 0; ; i++)); do
	"${inside[@]}" healthcheck >/dev/null 2>&1 && break
	kill -0 "$pid" 2>/dev/null || fail "serve ended by itself"
	((i < 100)) || fail "healthcheck did not succeed within 10 s"
	sleep 0.1
done

kill -TERM "$pid"
status=0
wait "$pid" || status=$?
pid=
((status == 0)) || fail "serve ended with status $status after SIGTERM, expected 0"
[[ -n $(ls -A "$root/data") ]] || fail "nothing was written to the data volume"
if "${inside[@]}" healthcheck >/dev/null 2>&1; then
	fail "healthcheck succeeds although nothing runs"
fi
echo "the binary starts, is healthy and stops as the image would run it"
