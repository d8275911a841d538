#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 300
# The rig's handling of the module: it is loaded for the command, and complaints of the kernel, a module that can't be unloaded
# and a panic fail the run, each with its reason.
set -u
here=$(dirname "$0")

# expect STATUS PATTERN SETTING... -- SHELL_TEXT
expect() {
	local status=$1 pattern=$2 settings=() out rc
	shift 2
	while [ "$1" != -- ]; do
		settings+=("$1")
		shift
	done
	out=$("$here/boot.sh" KERNEL=6.1 MODULE=yes TIMEOUT=30 "${settings[@]}" -- bash -c "$2" 2>&1)
	rc=$?
	if [ $rc = 4 ] && [ "$status" != 4 ]; then
		echo "$out" | tail -n 1
		exit 4
	fi
	if [ $rc != "$status" ] || ! grep -q -- "$pattern" <<<"$out"; then
		echo "${settings[*]} $2: status $rc instead of $status, or no \"$pattern\" in:"
		echo "$out"
		exit 1
	fi
}

# shellcheck disable=SC2016 # for the shell in the VM
expect 3 loaded -- 'test -c /dev/decouple && test -d /sys/module/decouple && echo loaded; exit 3'
expect 1 'WARNING: CPU: 0 invented' -- 'echo "WARNING: CPU: 0 invented" >/dev/kmsg'
expect 5 'WARNING: CPU: 0 invented' -- 'echo "WARNING: CPU: 0 invented" >/dev/kmsg; exit 5'
expect 0 '' DMESG=any -- 'echo "WARNING: CPU: 0 invented" >/dev/kmsg'
expect 1 "doesn't unload" -- 'exec 3</dev/decouple; sleep 1000 & exit 0'
expect 1 'sysrq triggered crash' DEBUG=yes -- 'grep -q slub_debug=FZPU /proc/cmdline && echo c >/proc/sysrq-trigger'
echo "the module is loaded and unloaded, and complaints of the kernel are found"
