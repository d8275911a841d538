#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 240
# The rig itself: output, exit code and time-out of a command in the VM come out unchanged, and KVM runs a guest in there.
set -u
here=$(dirname "$0")
build=build/selftests/vm
mkdir -p "$build"
${CC:-gcc} -O2 -Wall -Wextra -Werror -o "$build/hold_vm" "$here/hold_vm.c" || {
	echo "hold_vm.c doesn't compile"
	exit 1
}

fail() {
	echo "$*"
	exit 1
}

for kernel in 6.1 6.12 6.1-rt 6.12-rt; do
	# shellcheck disable=SC2016
	out=$("$here/boot.sh" "KERNEL=$kernel" -- sh -c 'uname -r; pwd; echo "a  $1"; build/selftests/vm/hold_vm once || exit 1; exit 7' \
		sh "b'c \$x")
	rc=$?
	if [ $rc = 4 ]; then
		echo "$out" | tail -n 1
		exit 4
	fi
	[ $rc = 7 ] || fail "kernel $kernel: exit code $rc instead of 7: $out"
	flavour=amd64
	[ "${kernel%-rt}" = "$kernel" ] || flavour=rt-amd64
	case $flavour:$out in
	amd64:*-rt-amd64*) fail "kernel $kernel: a real-time kernel was booted: $out" ;;
	"$flavour:${kernel%-rt}."*"-$flavour
$PWD
a  b'c \$x") ;;
	*) fail "kernel $kernel: unexpected output: $out" ;;
	esac
done

"$here/boot.sh" TIMEOUT=3 -- sleep 60 >/dev/null
rc=$?
[ $rc = 124 ] || fail "a command that hangs gave exit code $rc instead of 124"
echo "6.1 and 6.12, plain and real-time, boot, run KVM guests, and report"
