#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 60
# What `decouple dev` refuses changes nothing, says why, and has its exit code.
# shellcheck source=selftests/dev/lib/dev.sh
. "$(dirname "$0")/lib/dev.sh"

before
refused 2 'not the address of a PCI function' bind 3
refused 2 'not the address of a PCI function' bind "$nvme" 00:0g.0
refused 2 'needs the address' bind
refused 2 'needs the address' unbind
refused 2 'takes no functions' list "$nvme"
refused 2 'not in {list,bind,unbind}' take "$nvme"
refused 2 'belongs to .decouple dev bind.' unbind "$nvme" --vfs 1
refused 2 'belongs to .decouple dev list.' bind "$nvme" --all
refused 1 'no such PCI function' bind 00:1e.7
refused 1 'no such PCI function' bind "$nvme" 00:1e.7
refused 1 'a bridge' bind 00:00.0
refused 1 'its IOMMU group .* has other functions with drivers\|has it open\|a bridge' bind 00:1f.0
refused 1 'not bound by' unbind "$nvme"
refused 1 'can have 2 virtual functions, not 3' bind "$physical" --vfs 3
refused 1 'has no virtual functions' bind "$nvme" --vfs 1
setpriv --reuid 65534 --clear-groups "$decouple" dev list --json >"$work/out" 2>&1 || fail "list as nobody: $(cat "$work/out")"
jq -e '.functions | length > 3' "$work/out" >/dev/null || fail "list as nobody: $(cat "$work/out")"
setpriv --reuid 65534 --clear-groups "$decouple" dev bind "$nvme" >"$work/out" 2>&1 && fail "bound by nobody"
grep -q 'by root only' "$work/out" || fail "as nobody: $(cat "$work/out")"
as_before "behind refusals"

# A disk that is in use: here it is swap.
for disk in "$pci/$nvme"/nvme/nvme*/nvme*n1; do
	disk=/dev/${disk##*/}
done
if mkswap "$disk" >/dev/null 2>"$work/err" && swapon "$disk" 2>>"$work/err"; then
	refused 1 'is swap' bind "$nvme"
	swapoff "$disk"
else
	echo "no swap on $disk: $(cat "$work/err")"
fi

# A function that a program has open stays with it.
dev bind "$edu"
refused 1 'bound already' bind "$edu"
group=/dev/vfio/$(basename "$(readlink "$pci/$edu/iommu_group")")
exec 7<>"$group"
refused 1 'has it open' unbind "$edu"
refused 1 'has it open' unbind all
exec 7>&-
dev unbind "$edu"

# Somebody else's.
echo vfio-pci >"$pci/$edu/driver_override"
echo "$edu" >/sys/bus/pci/drivers/vfio-pci/bind
refused 1 'not by us' bind "$edu"
refused 1 'not bound by' unbind "$edu"
native "$edu" ''
as_before "in the end"
