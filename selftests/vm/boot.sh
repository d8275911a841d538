#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Boots a stock Debian kernel in QEMU (TCG, nested SVM) on this machine's own root and runs one command in the tree there.
#
#   selftests/vm/boot.sh [KERNEL=6.1|6.1-rt|6.12|6.12-rt] [NAME=VALUE]... -- COMMAND [ARG]...
#
# The root is the host's, read by 9p below an overlay in memory: all programs are there, and what the command writes is lost at
# power-off. kvm-amd is loaded, and /dev/kvm is proved to run a guest before the command starts.
# Output of the command is the output of this script; exit code too. 4: the kernel or QEMU can't be had. 124: timed out.
# Settings: KERNEL (6.1), MEM (2G), SMP (2), TIMEOUT of the command in seconds (120), MODULES to load besides (none),
# CPU of QEMU (max without MPX; CMPXCHG16B is taken from any), APPEND to the kernel's command line, QEMU_ARGS (whitespace-separated).
# MODULE=yes: builds decouple.ko for this kernel and loads it before the command; afterwards it must unload (if it is still
# loaded) and the kernel's log must hold no complaint, else the run fails; DMESG=any lets both pass.
# DECOUPLE_RIG in the command's environment is the kernel's version, DECOUPLE_MODULE the path of decouple.ko.
# INTERACTIVE=yes: the command gets this terminal, as `make vm` does; TIMEOUT is then a day if not given.
# DEVICES: besides, what tests drive directly: `edu` (QEMU's teaching device), `nvme` (a disk of 16 MiB that is never written; block N
# begins with "block N", ten digits), `nvme-vf` (an empty one, able to have two virtual functions). Each may be given more than once.
# IOMMU=intel|amd: with interrupt remapping, addresses of 48 bits. Either loads the drivers that are needed, vfio-pci included.
# ICOUNT=yes: one nanosecond of the machine's time is one instruction, of whichever processor: what TSC and clocks measure are instructions.
# DEBUG=yes: slab and page poisoning, and any warning of the kernel is a panic.
set -u -o pipefail
here=$(cd "$(dirname "$0")" && pwd)
tree=$(cd "$here/../.." && pwd)
KERNEL=${KERNEL:-6.1} MEM=${MEM:-2G} SMP=${SMP:-2} TIMEOUT=${TIMEOUT:-} INTERACTIVE=${INTERACTIVE:-no}
CPU=${CPU:-} MODULES=${MODULES:-} APPEND=${APPEND:-} QEMU_ARGS=${QEMU_ARGS:-}
DEVICES=${DEVICES:-} IOMMU=${IOMMU:-}
MODULE=${MODULE:-no} DMESG=${DMESG:-clean} DEBUG=${DEBUG:-no} ICOUNT=${ICOUNT:-no}

usage() {
	echo "usage: $0 [KERNEL=6.1|6.1-rt|6.12|6.12-rt] [MODULE=yes|no] [DMESG=clean|any] [DEBUG=yes|no] [ICOUNT=yes|no]" \
		"[INTERACTIVE=yes|no]" \
		"[DEVICES='edu|nvme|nvme-vf ...'] [IOMMU=intel|amd]" \
		"[CPU=|MEM=|SMP=|TIMEOUT=|MODULES=|APPEND=|QEMU_ARGS=]... -- COMMAND [ARG]..." >&2
	exit 2
}

while [ $# -gt 0 ]; do
	case $1 in
	--) shift; break ;;
	CPU=* | KERNEL=* | MEM=* | SMP=* | TIMEOUT=* | MODULES=* | APPEND=* | QEMU_ARGS=* | DEVICES=* | IOMMU=* | MODULE=* | DMESG=* | DEBUG=* | ICOUNT=* | INTERACTIVE=*) declare "$1"; shift ;;
	*) usage ;;
	esac
done
[ $# -gt 0 ] || usage
for switch in "$MODULE" "$DEBUG" "$ICOUNT" "$INTERACTIVE"; do
	[[ $switch = yes || $switch = no ]] || usage
done
[[ $DMESG = clean || $DMESG = any ]] || usage
[[ -z $IOMMU || $IOMMU = intel || $IOMMU = amd ]] || usage
for device in $DEVICES; do
	[[ $device = edu || $device = nvme || $device = nvme-vf ]] || usage
done
[ "$TIMEOUT" ] || case $INTERACTIVE in
yes) TIMEOUT=86400 ;;
no) TIMEOUT=120 ;;
esac

for tool in qemu-system-x86_64 busybox cpio depmod xz flock; do
	command -v "$tool" >/dev/null || {
		echo "$tool is missing: apt-get install qemu-system-x86 busybox cpio kmod xz-utils util-linux"
		exit 4
	}
done

kernel_dir=$("$here/lib/kernel.sh" "$KERNEL") || {
	rc=$?
	echo "${kernel_dir:-no kernel}"
	exit "$rc"
}
version=$(basename "$kernel_dir")
[ -z "$DEVICES$IOMMU" ] || MODULES="$MODULES vfio-pci vfio_iommu_type1"
[[ $DEVICES != *nvme* ]] || MODULES="$MODULES nvme"
image=$("$here/lib/initramfs.sh" "$kernel_dir" "$MODULES") || exit 1
files=(job)
[ "$INTERACTIVE" = no ] || files+=(interactive)
if [ "$MODULE" = yes ]; then
	module=$("$here/lib/module.sh" "$KERNEL") || {
		rc=$?
		echo "${module:-no module for $version}"
		exit "$rc"
	}
	files+=(decouple.ko dmesg)
	# Else the log of a long run wraps.
	APPEND="log_buf_len=4M $APPEND"
fi
console=quiet
if [ "$DEBUG" = yes ]; then
	# The warning itself must be on the console when the panic follows.
	console=loglevel=5
	APPEND="slub_debug=FZPU page_poison=1 panic_on_warn=1 $APPEND"
fi

work=$(mktemp -d "$tree/build/vm.XXXXXX")
trap 'rm -rf "$work"' EXIT

# The command travels in a second archive behind the initramfs, so that no quoting for the kernel's command line is needed.
# It is compressed, since the kernel takes an uncompressed archive only at a multiple of four bytes.
# `timeout` in there gives a hung command time to be killed; the one round QEMU is for a hung kernel.
{
	printf '#!/bin/bash\ncd %q || exit 1\n' "$tree"
	printf 'export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root DECOUPLE_RIG=%q DECOUPLE_MODULE=%q\n' \
		"$version" "${module:-}"
	[ "$INTERACTIVE" = yes ] && printf 'exec' || printf 'exec timeout -k 5 %q' "$TIMEOUT"
	printf ' %q' "$@"
	printf '\n'
} >"$work/job"
chmod +x "$work/job"
[ "$MODULE" = no ] || cp "$module" "$work/decouple.ko"
echo "$DMESG" >"$work/dmesg"
: >"$work/interactive"
(cd "$work" && printf '%s\n' "${files[@]}" | cpio -o -H newc 2>/dev/null | gzip -1) | cat "$image" - >"$work/initrd"

# An IOMMU comes before the devices behind it. The default of 39 bits for Intel's is less than a process has. With interrupt remapping
# Linux panics at boot where the timer's interrupts are late, as on a busy machine, unless it is told not to look.
[ -z "$IOMMU" ] || APPEND="no_timer_check $APPEND"
device_args=()
case $IOMMU in
intel) device_args+=(-device "intel-iommu,intremap=on,aw-bits=48") ;;
amd) device_args+=(-device "amd-iommu,intremap=on") ;;
esac
number=0
for device in $DEVICES; do
	number=$((number + 1))
	case $device in
	edu) device_args+=(-device "edu,dma_mask=0xffffffffffffffff") ;;
	nvme)
		[ -e "$work/disk" ] || awk 'BEGIN { for (i = 0; i < 4096; i++) printf "block %010d%4080s", i, "" }' >"$work/disk"
		device_args+=(-drive "file=$work/disk,format=raw,if=none,id=disk$number,snapshot=on"
			-device "nvme,serial=disk$number,drive=disk$number")
		;;
	nvme-vf)
		device_args+=(-device "pcie-root-port,id=port$number,chassis=$number" -device "nvme-subsys,id=subsystem$number"
			-device "nvme,bus=port$number,serial=vf$number,subsys=subsystem$number,sriov_max_vfs=2,max_ioqpairs=8,msix_qsize=9,sriov_vq_flexible=4,sriov_vi_flexible=2")
		;;
	esac
done

# 6.1 takes the HPET as clock source under TCG: then each clock_gettime is a system call, and the guest's vDSO has no clock.
# KVM on a PREEMPT_RT kernel demands a constant TSC. TCG (before QEMU 9) can't announce one in the AMD way; VMware's guest support
# in Linux takes it for granted, and finds VMware by this serial number and QEMU's vmport if no other hypervisor is announced.
# MPX: Linux enables it where it is there, KVM has it on Intel only; a processor with both MPX and SVM there is not.
# CMPXCHG16B: before QEMU 8, TCG computes its flags from the wrong operation (target/i386/tcg/mem_helper.c: helper_cmpxchg16b). An interrupt
# right behind it brings what an address happens to hold into RFLAGS, DF, NT and AC among them: the kernel's SLUB then copies backward.
# Linux does without the instruction where it is not announced.
cpu=${CPU:-max,-mpx},-cx16 machine_args=()
case $version in
*-rt-*)
	cpu=$cpu,-hypervisor
	machine_args=(-smbios "type=1,serial=VMware-decouple")
	;;
esac
accelerator=tcg,thread=multi
[ "$ICOUNT" = no ] || {
	accelerator=tcg,thread=single
	machine_args+=(-icount "shift=0,sleep=off")
}
# shellcheck disable=SC2206
qemu=(timeout -k 5 $((TIMEOUT + 60)) qemu-system-x86_64 -machine q35 -accel "$accelerator" -cpu "$cpu" "${machine_args[@]}"
	-smp "$SMP" -m "$MEM" -display none -monitor none -no-reboot -net none
	-chardev "stdio,id=stdio,signal=off" -serial "file:$work/console" -serial chardev:stdio
	-kernel "$kernel_dir/boot/vmlinuz-$version" -initrd "$work/initrd"
	-fsdev "local,id=host,path=/,security_model=none,readonly=on,multidevs=remap"
	-device "virtio-9p-pci,fsdev=host,mount_tag=host"
	"${device_args[@]}"
	-append "console=ttyS0 $console panic=-1 clocksource=tsc tsc=reliable maxcpus=1 $APPEND" $QEMU_ARGS)
if [ "$INTERACTIVE" = yes ]; then
	# In the foreground: else the terminal would stop it.
	"${qemu[@]:0:1}" --foreground "${qemu[@]:1}" 2>"$work/qemu.err"
	exit
fi
mkfifo "$work/output"
"${qemu[@]}" </dev/null >"$work/output" 2>"$work/qemu.err" &
qemu_pid=$! # of timeout, which passes a signal on
trap 'kill "$qemu_pid" 2>/dev/null; exit 143' TERM INT HUP
while IFS= read -r line || [ -n "$line" ]; do
	case $line in
	*decouple-vm-exit:*)
		echo "${line##*decouple-vm-exit:}" >"$work/exit"
		line=${line%decouple-vm-exit:*}
		[ -z "$line" ] || printf '%s\n' "$line"
		;;
	*) printf '%s\n' "$line" ;;
	esac
done <"$work/output"
wait "$qemu_pid"
qemu_rc=$?

if [ -s "$work/exit" ]; then
	exit "$(cat "$work/exit")"
fi
report='WARNING:|BUG:|Oops|Kernel panic|general protection fault|rcu.*stall'
echo "the VM ($version) ended without a result, QEMU's status $qemu_rc; end of its console:"
# From the first report on: the tail of a panic is registers.
if grep -qE "$report" "$work/console" 2>/dev/null; then
	sed -nE "/$report/,\$p" "$work/console" | head -n 150
	[ ! -s "$work/qemu.err" ] || tail "$work/qemu.err"
else
	tail -n 30 "$work/console" "$work/qemu.err" 2>/dev/null
fi
[ "$qemu_rc" = 124 ] || [ "$qemu_rc" = 137 ] && exit 124
exit 1
