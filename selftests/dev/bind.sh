#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 60
# `decouple dev`: what it lists, binds and gives back; a bound function serves an unmodified VFIO program, and its virtual functions too. With the
# old driver back, the disk reads as before.
# shellcheck source=selftests/dev/lib/dev.sh
. "$(dirname "$0")/lib/dev.sh"

json() { # EXPRESSION: of what the last command printed
	jq -r "$@" "$work/out"
}
expect() { # WHAT WANTED GOT
	[ "$2" = "$3" ] || fail "$1: $3 instead of $2"
}
read_disk() {
	local disk
	for disk in "$pci/$nvme"/nvme/nvme*/nvme*n1; do
		dd if="/dev/${disk##*/}" bs=4096 skip=7 count=1 iflag=direct status=none | head -c 16
	done
}

# The driver looks for the disk behind its own start.
disk_is_there() {
	local try
	for ((try = 0; try < 50; try++)); do
		[ "$(read_disk 2>/dev/null)" ] && break
		sleep 0.2
	done
	expect "$1" "block 0000000007" "$(read_disk)"
}

disk_is_there "the disk"
before
dev list --json
of_nvme=".functions[] | select(.address == \"$nvme\")"
expect "list: driver" nvme "$(json "$of_nvme | .driver")"
expect "list: class" 010802 "$(json "$of_nvme | .class")"
expect "list: group" "$(basename "$(readlink "$pci/$nvme/iommu_group")")" "$(json "$of_nvme | .iommu_group")"
expect "list: disks" nvme "$(json "$of_nvme | .disks[0][:4]")"
expect "list: virtual functions of the other one" 2 "$(json ".functions[] | select(.address == \"$physical\") | .vfs_total")"
expect "list: bridges" 0 "$(json '[.functions[] | select(.class | startswith("06"))] | length')"
dev
grep -q "^$nvme nvme .*Non-Volatile memory controller" "$work/out" || fail "list: $(cat "$work/out")"
dev list --all
grep -q "in its group:" "$work/out" || fail "list --all shows no group of several: $(cat "$work/out")"

dev bind --json "$nvme" "${edu#0000:}"
expect "bound" "$nvme $edu" "$(json '[.bound[].address] | join(" ")')"
expect "drivers before" "nvme," "$(json '[.bound[].had] | join(",")')"
expect "driver" vfio-pci "$(driver_of "$nvme")"
dev list --json
expect "list: bound" true "$(json "$of_nvme | .bound")"
DECOUPLE_TEST_MODE=native "$build/dev/vfio_nvme" >"$work/program" 2>&1 || fail "the program on the bound function: $(cat "$work/program")"
grep -q '5000 reads, wrong 0' "$work/program" || fail "reads: $(cat "$work/program")"
dev unbind "$edu"
expect "edu's driver" "" "$(driver_of "$edu")"
dev unbind all
as_before "bound and unbound"
disk_is_there "the disk again"

if [ "$(driver_of "$physical")" != nvme ]; then
	# Linux 6.1's does not get on with QEMU's.
	refused 1 'has no driver' bind --vfs 2 "$physical"
	as_before "no virtual functions"
	echo "no driver has taken $physical: no virtual functions"
	exit 0
fi
dev bind --vfs 2 --json "$physical"
first=$(json '.bound[0].address')
expect "virtual functions" 2 "$(json '.bound | length')"
expect "the first one's driver" vfio-pci "$(driver_of "$first")"
expect "the physical one's driver" nvme "$(driver_of "$physical")"
[ -c "/dev/vfio/$(json '.bound[1].iommu_group')" ] || fail "no /dev/vfio file of the second one"
dev list --json
expect "list: of whom it is" "$physical" "$(json ".functions[] | select(.address == \"$first\") | .physical_function")"
dev unbind "$physical"
as_before "virtual functions made and removed"
