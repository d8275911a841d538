# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What the tests of `decouple dev` share. They run in the VM, whose devices nobody else needs.
set -u
decouple=${DECOUPLE:-build/decouple}
# shellcheck disable=SC2034 # the tests'
build=${TEST_BUILD:-build/selftests}
pci=/sys/bus/pci/devices
[ "${DECOUPLE_RIG:-}" ] || {
	echo "not in the VM, which has the devices (selftests/run.sh dev)"
	exit 4
}
work=$(mktemp -d)

leave() {
	"$decouple" dev unbind all >/dev/null 2>&1
	rm -rf "$work"
}
trap leave EXIT

fail() {
	echo "$*"
	exit 1
}

dev() { # ARGUMENTS: has to succeed; output in $work/out
	"$decouple" dev "$@" >"$work/out" 2>"$work/err" || fail "decouple dev $*: exit status $?: $(cat "$work/out" "$work/err")"
}

refused() { # STATUS PATTERN ARGUMENTS...
	local status
	"$decouple" dev "${@:3}" >"$work/out" 2>&1
	status=$?
	[ $status = "$1" ] || fail "decouple dev ${*:3}: exit status $status instead of $1: $(cat "$work/out")"
	grep -q -- "$2" "$work/out" || fail "decouple dev ${*:3}: [$(cat "$work/out")] instead of $2"
}

# Address of function number N (from 0) with these ids.
function_at() { # VENDOR DEVICE N
	local directory seen=0
	for directory in "$pci"/*; do
		[ "$(cat "$directory/vendor" "$directory/device" | tr -d '\n')" = "$1$2" ] || continue
		[ $seen = "$3" ] && basename "$directory" && return
		seen=$((seen + 1))
	done
	echo "this machine has no function $1:$2 number $3" >&2
	return 1
}

driver_of() { # ADDRESS
	local link
	link=$(readlink "$pci/$1/driver") && basename "$link"
}

# The programs of this group leave functions with vfio-pci: back to what a boot gives them.
native() { # ADDRESS DRIVER
	[ "$(driver_of "$1")" = "$2" ] && return
	echo >"$pci/$1/driver_override"
	[ ! -e "$pci/$1/driver" ] || echo "$1" >"$pci/$1/driver/unbind"
	[ ! "$2" ] || echo "$1" >"/sys/bus/pci/drivers/$2/bind" || fail "$1 can't be given back to $2"
}

# Drivers and overrides of all functions, virtual ones among them; a line each. Few processes: they are slow here.
settings() {
	stat -c %N "$pci"/*/driver
	grep -sH '' "$pci"/*/driver_override "$pci"/*/sriov_numvfs "$pci"/*/sriov_drivers_autoprobe
	printf '%s\n' /var/lib/decouple/*
}

before() {
	settings >"$work/settings"
}
as_before() { # WHEN
	settings >"$work/now"
	diff "$work/settings" "$work/now" >"$work/diff" || fail "$1: not as before: $(cat "$work/diff")"
}

# shellcheck disable=SC2034 # the tests'
{
	edu=$(function_at 0x1234 0x11e8 1) && nvme=$(function_at 0x1b36 0x0010 0) && physical=$(function_at 0x1b36 0x0010 1)
} || exit 1
native "$edu" ''
native "$nvme" nvme
