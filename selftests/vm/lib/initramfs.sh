#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Builds the initramfs of the VM and prints its path: initramfs.sh KERNEL_DIR [MODULES]
#
# busybox, init, hold_vm, and the modules for 9p, overlay and KVM (and MODULES) with what they need, in loading order.
set -eu
kernel_dir=$1
modules="virtio_pci 9pnet_virtio 9p overlay kvm-amd ${2:-}"
here=$(cd "$(dirname "$0")" && pwd)
tree=$(cd "$here/../../.." && pwd)
version=$(basename "$kernel_dir")
out=$tree/build/kernels/initramfs-$version-$(echo "$modules" | cksum | cut -d' ' -f1)
sources=("$here/init" "$here/module_check" "$here/initramfs.sh" "$here/../hold_vm.c")

exec 9>"$tree/build/kernels/.lock"
flock 9
fresh=1
for source in "${sources[@]}"; do
	[ "$out" -nt "$source" ] || fresh=0
done
if [ $fresh = 1 ]; then
	echo "$out"
	exit 0
fi

root=$(mktemp -d "$tree/build/initramfs.XXXXXX")
trap 'rm -rf "$root"' EXIT
mkdir -p "$root"/{bin,sbin,modules,proc,sys,dev,host,overlay,root}
busybox=$(command -v busybox)
if ldd "$busybox" >/dev/null 2>&1; then
	echo "$busybox is dynamically linked; the VM needs a static one: apt-get install busybox" >&2
	exit 1
fi
cp "$busybox" "$root/bin/busybox"
for applet in sh awk cat chmod chroot cp dmesg echo grep head insmod ln mkdir mount poweroff rmmod sleep stty tail uname unshare; do
	ln -s busybox "$root/bin/$applet"
done
cp "$here/init" "$here/module_check" "$root/"
chmod +x "$root/init"
${CC:-gcc} -O2 -Wall -Wextra -Werror -static -o "$root/bin/hold_vm" "$here/../hold_vm.c"

number=100
for module in $modules; do
	if ! depends=$(modprobe -d "$kernel_dir" -S "$version" --show-depends "$module" 2>/dev/null); then
		echo "kernel $version has no module $module" >&2
		exit 1
	fi
	# A module that is built in is listed as "builtin".
	for file in $(echo "$depends" | sed -n 's/^insmod \([^ ]*\).*/\1/p'); do
		name=$(basename "$file" .xz)
		compgen -G "$root/modules/*-$name" >/dev/null && continue
		case $file in
		*.xz) xz -dc "$file" >"$root/modules/$number-$name" ;;
		*) cp "$file" "$root/modules/$number-$name" ;;
		esac
		number=$((number + 1))
	done
done
(cd "$root" && find . | cpio -o -H newc 2>/dev/null | gzip -1) >"$out.new"
mv "$out.new" "$out"
echo "$out"
