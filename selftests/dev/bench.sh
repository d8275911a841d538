#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 60
# `decouple bench doorbell`: refuses what is no register, and measures. The figure itself is a claim (docs/claims.md); here a machine that is
# busy with other things must not fail it, but an exit per store would.
set -u
decouple=${DECOUPLE:-build/decouple}
[ "${DECOUPLE_RIG:-}" ] || {
	echo "not in the VM, which has the device (selftests/run.sh dev)"
	exit 4
}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

fail() {
	echo "$*"
	exit 1
}
refused() { # STATUS PATTERN ARGUMENTS...
	local status
	"$decouple" bench doorbell "${@:3}" >"$dir/out" 2>&1
	status=$?
	[ $status = "$1" ] || fail "bench doorbell ${*:3}: exit status $status instead of $1: $(cat "$dir/out")"
	grep -q -- "$2" "$dir/out" || fail "bench doorbell ${*:3}: [$(cat "$dir/out")] instead of $2"
}

for edu in /sys/bus/pci/devices/*; do
	[ "$(cat "$edu/vendor" "$edu/device" | tr -d '\n')" != 0x12340x11e8 ] || break
done
echo 1 >"$edu/enable" || fail "edu can't be enabled"
refused 2 'name it with --resource'
refused 2 'not a multiple of 4' --resource "$edu/resource0" --offset 2 --value 1
refused 2 'behind the end' --resource "$edu/resource0" --offset 0x100000 --value 1
refused 1 'open .*resource9: No such file' --resource "$edu/resource9" --offset 4 --value 1
# It counts: the tests before have enabled it as well.
for ((try = 0; try < 50; try++)); do
	[ "$(cat "$edu/enable")" = 0 ] && break
	echo 0 >"$edu/enable"
done
refused 2 'reads 0: the function decodes no memory' --resource "$edu/resource0" --offset 4 --value 1
echo 1 >"$edu/enable"
timeout 50 "$decouple" bench doorbell --json --no-rt --samples 10000 --resource "$edu/resource0" --offset 4 --value 0x55 >"$dir/out" 2>"$dir/err" ||
	fail "exit status $?: $(cat "$dir/out" "$dir/err")"
jq -c '.rows[] | {name, n, p50, p99}' "$dir/out"
jq -e '[.rows[] | .name] == ["store_native", "store_decoupled", "burst_native", "burst_decoupled"]' "$dir/out" >/dev/null || fail "rows: $(cat "$dir/out")"
jq -e '[.rows[] | {(.name): .p50}] | add | .store_decoupled < 5 * .store_native and .burst_decoupled < 3 * .burst_native' "$dir/out" >/dev/null ||
	fail "an exit per store? $(cat "$dir/out")"
