#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Installs the Debian packages of the named sets, or says which are missing: install-deps.sh SET...
#
# A program that is there without its package (node from elsewhere, say) counts as there.
set -u

# package, or package:program where a program in PATH serves as well.
build=(make:make g++:g++ binutils:ld libc6-dev linux-libc-dev libcli11-dev nlohmann-json3-dev libpci-dev)
# Stock kernels in a VM, and the module for them.
rig=(qemu-system-x86:qemu-system-x86_64 busybox-static cpio:cpio kmod:depmod xz-utils:xz sparse:sparse gcc-12:gcc-12)
# The tests' own tools, then the real programs that run decoupled.
test=(
	clang-format:clang-format shellcheck:shellcheck man-db:man libgtest-dev python3:python3
	"${rig[@]}" dkms:dkms gdb:gdb strace:strace jq:jq
	perl:perl gcc:gcc sqlite3:sqlite3 openssl:openssl git:git nodejs:node default-jdk-headless:javac golang-go:go
	libgomp1 openmpi-bin:mpirun hpcc:hpcc mpich:mpirun.mpich libmpich-dev:mpicc.mpich stress-ng:stress-ng gnuplot-nox:gnuplot
	pkgconf:pkg-config chromium:chromium
	rdma-core ibverbs-providers ibverbs-utils:ibv_devinfo perftest:ib_write_bw python3-pyverbs python3-scapy iproute2:ss
)
demo=(python3:python3 hpcc:hpcc openmpi-bin:mpirun gnuplot-nox:gnuplot "${rig[@]}")

usage() {
	echo "usage: install-deps.sh build|test|demo|rig..." >&2
	exit 2
}

[ $# -gt 0 ] || usage
wanted=()
for set; do
	case $set in
	build) wanted+=("${build[@]}") ;;
	test) wanted+=("${test[@]}") ;;
	demo) wanted+=("${demo[@]}") ;;
	rig) wanted+=("${rig[@]}") ;;
	*) usage ;;
	esac
done

installed() { # PACKAGE
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

have_dpkg=$(command -v dpkg-query)
missing=()
for entry in "${wanted[@]}"; do
	package=${entry%%:*}
	program=${entry#"$package"}
	program=${program#:}
	if [ "$program" ] && command -v "$program" >/dev/null; then
		continue
	fi
	if [ "$have_dpkg" ]; then
		installed "$package" || missing+=("$package")
	elif [ "$program" ]; then
		missing+=("$package")
	fi
done
[ ${#missing[@]} -gt 0 ] || exit 0

if [ -z "$have_dpkg" ]; then
	echo "install-deps.sh: not a Debian system; install what these Debian packages contain, then try again:" >&2
	echo "  ${missing[*]}" >&2
	exit 1
fi
if [ "$(id -u)" != 0 ]; then
	echo "install-deps.sh: packages are missing; as root:" >&2
	echo "  apt-get install ${missing[*]}" >&2
	exit 1
fi
echo "installing: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
install_missing() {
	apt-get install -y --no-install-recommends "${missing[@]}" >"$log" 2>&1
}
# The lists may be old or absent: once more with new ones.
if ! install_missing && ! { apt-get update >"$log" 2>&1 && install_missing; }; then
	tail -n 20 "$log" >&2
	echo "install-deps.sh: apt-get could not install: ${missing[*]}" >&2
	exit 1
fi
