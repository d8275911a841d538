#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Builds the module for one kernel of the rig and prints its path: module.sh 6.1|6.1-rt|6.12|6.12-rt
#
# Warnings are errors, those of W=1 and, where it is installed, of sparse as well. Result: build/kmod/VERSION/decouple.ko.
# Exit code 4, with the reason on stdout, when the kernel's headers or its compiler can't be had.
set -u
tree=$(cd "$(dirname "$0")/../../.." && pwd)
headers=$("$tree/selftests/vm/lib/headers.sh" "$@") || {
	rc=$?
	[ -z "$headers" ] || echo "$headers"
	exit $rc
}
version=${headers##*/linux-headers-}
out=$tree/build/kmod/$version
mkdir -p "$out"
exec 9>"$out/.lock"
flock 9

compiler=$(sed -n 's/^CC *=.*(CROSS_COMPILE)\(gcc[-0-9]*\)$/\1/p' "$headers/.kernelvariables")
command -v "${compiler:=gcc}" >/dev/null || {
	echo "kernel $version is built with $compiler: apt-get install $compiler"
	exit 4
}
options=(W=1 KCFLAGS=-Werror)
if command -v sparse >/dev/null; then
	options+=(C=1)
else
	echo "sparse is not installed: not checked by it" >&2
fi

# The top-level makefile's variables mean something else to the kernel's (VERSION).
if ! env -u VERSION -u MAKEFLAGS -u MAKELEVEL make -s -j"$(nproc)" -C "$tree/kmod-decouple" "KDIR=$headers" "OUT=$out" "${options[@]}" \
	>"$out/log" 2>&1; then
	cat "$out/log" >&2
	echo "building the module for $version failed" >&2
	exit 1
fi
# What sparse says about the kernel's own headers is not ours to mend.
if complaints=$(grep -E "^($out|$tree/include)/.*: (warning|error):" "$out/log"); then
	printf '%s\n' "$complaints" >&2
	# So that the next run says it again: sparse looks only at what is compiled.
	rm -f "$out"/*.o "$out/decouple.ko"
	exit 1
fi
echo "$out/decouple.ko"
