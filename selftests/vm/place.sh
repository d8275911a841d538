#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 300
# Core choice on a machine with four cores in two NUMA nodes, of which two are reserved; see inside/place.sh. With SOAK=1 on 6.1, too.
set -u
here=$(dirname "$0")
for kernel in 6.12 ${SOAK:+6.1}; do
	"$here/boot.sh" "KERNEL=$kernel" MODULE=yes SMP=4 TIMEOUT=150 \
		QEMU_ARGS="-object memory-backend-ram,id=m0,size=1G -object memory-backend-ram,id=m1,size=1G
		-numa node,nodeid=0,cpus=0-1,memdev=m0 -numa node,nodeid=1,cpus=2-3,memdev=m1" -- \
		env REFLECTOR=module "$here/inside/place.sh"
	status=$?
	[ $status = 0 ] || {
		echo "kernel $kernel: status $status"
		exit $status
	}
done
