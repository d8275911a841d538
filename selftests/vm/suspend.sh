#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 240
# kmod/suspend on a root that survives it: devices and processors are taken away while a thread is decoupled, and at last the machine really
# sleeps, until its clock wakes it. suspend.sh [KERNEL...]
set -u
here=$(dirname "$0")
status=0
[ $# -gt 0 ] || set -- 6.1 6.12
for kernel; do
	"$here/boot.sh" "KERNEL=$kernel" MODULE=yes TIMEOUT=100 -- "$here/inside/in_ram.sh" selftests/kmod/suspend.sh build/decouple \
		build/selftests/kvm/target -- dirname mktemp rm od sleep timeout jq grep cat date || status=1
	echo "$kernel: status $status"
done
exit $status
