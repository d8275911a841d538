# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only

# executed PID: waits until a child of this shell executes its program, and is no copy of the shell any more.
executed() {
	local try
	for ((try = 0; try < 500; try++)); do
		[ "/proc/$1/exe" -ef "/proc/$$/exe" ] || return 0
		sleep 0.02
	done
	return 1
}
