#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The part of svm_stub.sh that runs in the VM: svm_stub.sh DECOUPLE. Every program's output and status are compared; all are run before it fails.
set -u
decouple=$1
sample=build/selftests/vm/sample
failed=0

same() {
	local name=$1 native native_rc decoupled rc
	shift
	native=$(timeout -k 2 30 "$@" 2>&1)
	native_rc=$?
	decoupled=$(timeout -k 2 60 "$decouple" run --quiet --reflector signal -- "$@" 2>&1)
	rc=$?
	# `decouple run` gives 128+N for a signal, and so does the shell for the native one.
	if [ $rc = $native_rc ] && [ "$native" = "$decoupled" ]; then
		echo "$name: same (status $rc)"
		return
	fi
	failed=1
	printf '%s: native status %s:\n%s\ndecoupled status %s:\n%s\n' "$name" $native_rc "$native" $rc "$decoupled"
}

same true /bin/true
same compute $sample compute
same signals $sample signals
same forkexec $sample forkexec
same echo /bin/echo "one line"

probe=$(timeout 60 "$decouple" probe 2>&1)
echo "$probe"
if ! grep -qiw svm <<<"$probe"; then
	echo "the probe doesn't report SVM"
	failed=1
fi
if dmesg 2>/dev/null | grep -E 'BUG:|WARNING:|Oops|general protection'; then
	echo "the VM's kernel complained (above)"
	failed=1
fi
[ $failed = 0 ] || {
	echo "decoupled differs from native on SVM (above)"
	exit 1
}
echo "programs on SVM give what they give natively"
