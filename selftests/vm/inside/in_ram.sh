#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Runs a script of the tree in the VM with a root that is memory alone: in_ram.sh SCRIPT FILE... -- PROGRAM...
#
# For what the host's root by 9p does not survive: who has a file of it open, as those who wait for us, can't even end any more. So the VM's last
# steps are taken here (lib/init: the look at the module, the result, power-off), in the initramfs. FILEs are of the tree, PROGRAMs of the PATH, both
# with the libraries that they need.
set -u
script=$1 files=("$1")
shift
root=$(mktemp -d /dev/shm/root.XXXXXX) || exit 1

# A file at the same place there.
take() {
	[ -e "$root$1" ] || cp -L --parents "$1" "$root" || exit 1
}
take_with_libraries() {
	local library
	take "$1"
	while read -r library; do
		take "$library"
	done < <(ldd "$1" 2>/dev/null | grep -oE '/[^ ]+')
}

while [ $# -gt 0 ] && [ "$1" != -- ]; do
	files+=("$1")
	shift
done
[ "${1:-}" = -- ] && shift
mkdir -p "$root/tmp" "$root/proc" "$root/sys" "$root/dev" || exit 1
for file in "${files[@]}"; do
	take_with_libraries "$(realpath "$file")"
done
for program in bash env chroot "$@"; do
	take_with_libraries "$(command -v "$program")"
done
for dir in proc sys dev; do
	mount --rbind "/$dir" "$root/$dir" || exit 1
done
# In lib/init's root: $1 is the script's status.
# shellcheck disable=SC2016 # for the shell there
last_steps='
	. /module_check
	status=$1
	module_check || [ $status != 0 ] || status=1
	echo "decouple-vm-exit:$status"
	reboot -n -f # without a sync, which would wait for 9p; behind a real sleep a power-off hangs in QEMU
'
# shellcheck disable=SC2016 # for the shell there
exec chroot "$root" env IN_RAM=yes "$(command -v bash)" -c 'bash "$1"; exec chroot /proc/1/root /bin/sh -c "$2" sh $?' in_ram \
	"$(realpath "$script")" "$last_steps"
