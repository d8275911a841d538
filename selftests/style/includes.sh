#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 60
# The parts include each other only in the directions of the design: include <- everything; guest-stub, vmm-lite and
# kmod-decouple nothing else of each other; userland the resident's public header and ib-passthrough; tools and selftests all.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=selftests/style/files.bash
. selftests/style/files.bash
status=0 count=0

# Prefixes (after resolving) that files of a part may include, besides their own.
allowed() { # PART TARGET
	case $1:$2 in
	*:include/*) return 0 ;;
	# state.h: libdecouple compiles the resident's restart rules in.
	userland:vmm-lite/setup_step.h | userland:vmm-lite/state.h) return 0 ;;
	userland:vmm-lite/resident.h | userland:tools/bench.h | userland:tools/noise.h | userland:ib-passthrough/*) return 0 ;;
	# A leaf that knows no other part.
	ib-passthrough:userland/base/result.h) return 0 ;;
	tools:userland/* | tools:vmm-lite/resident.h) return 0 ;;
	selftests:*) return 0 ;;
	esac
	return 1
}

# Sets target to the path in the tree of what FILE includes as NAME; empty: not ours. Without a process: there are thousands.
resolve() { # FILE NAME
	local dir
	target=
	for dir in "${1%/*}" . include userland "${1%%/*}"; do
		[ -f "$dir/$2" ] || continue
		target=$dir/$2
		target=${target#./}
		while [[ $target =~ ^(|.*/)[^/.]+/\.\./(.*)$ ]]; do
			target=${BASH_REMATCH[1]}${BASH_REMATCH[2]}
		done
		return
	done
}

while IFS=: read -r file name; do
	part=${file%%/*}
	resolve "$file" "$name"
	[ "$target" ] || continue
	count=$((count + 1))
	if [ "$part" = include ]; then
		case $target in include/*) continue ;; esac
	elif [ "${target%%/*}" = "$part" ] || allowed "$part" "$target"; then
		continue
	fi
	echo "$file includes $target: $part may not"
	status=1
done < <(sources '*.c' '*.h' '*.cc' '*.S' | xargs grep -HoE '^[[:space:]]*#[[:space:]]*include[[:space:]]*["<][^">]*[">]' |
	sed 's/:[^"<]*["<]/:/; s/[">]$//')

# include/ holds contracts: it may know the kernel's types and nothing else of a library.
while IFS=: read -r file name; do
	case $name in
	linux/types.h | linux/ioctl.h | linux/stddef.h | stddef.h | decouple/*) ;;
	*)
		echo "$file includes <$name>: include/ may use linux/types.h, linux/ioctl.h, linux/stddef.h and stddef.h only"
		status=1
		;;
	esac
done < <(sources 'include/*' | xargs grep -HoE '^[[:space:]]*#[[:space:]]*include[[:space:]]*[<"][^>"]*' | sed 's/:[^"<]*["<]/:/')
[ $count -gt 0 ] || {
	echo "no include of our own found"
	exit 1
}
[ $status = 0 ] && echo "$count includes go in the allowed directions"
exit $status
