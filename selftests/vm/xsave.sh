#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 240
# The guest has the host's XSAVE components, PKRU among them; where KVM lacks one (QEMU's MPX), an attach is refused and changes nothing.
set -u
here=$(cd "$(dirname "$0")" && pwd)
build=$(realpath -m "${TEST_BUILD:-$here/../../build/selftests}")
export KERNEL=6.12 TIMEOUT=90

"$here/boot.sh" -- "$here/../lib/compare.sh" "$build/kvm/cpuid" || exit

refused() {
	# shellcheck disable=SC2016 # expanded in the VM
	"$here/boot.sh" CPU=max -- bash -c '
		mkfifo /tmp/in && { sleep 60 >/tmp/in & cat /tmp/in & } && pid=$!
		sleep 2 # for the exec
		cp /proc/$pid/maps /tmp/before
		build/decouple "$pid" && exit 1
		cmp /tmp/before "/proc/$pid/maps" && [ "$(ls "/proc/$pid/task")" = "$pid" ] && kill "$pid"'
}
output=$(refused 2>&1)
status=$?
[ $status != 4 ] || {
	echo "$output"
	exit 4
}
[ $status = 0 ] && [[ $output = *"XSAVE components"* ]] && exit 0
echo "attaching where KVM lacks XSAVE components, status $status:"
echo "$output"
exit 1
