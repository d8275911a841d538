# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Directives in the head of a test's source: lines `# key: value` or `// key: value` among its first 30 lines.
#   timeout: N    seconds until the runner kills the test (60)
#   limit: N      seconds that compare.sh gives a run of the program (30)
#   args: A B     one test per such line, run with these arguments
#   modes: ...    how compare.sh decouples the program (run compute read)
#   exit: N       the native exit status, 128+N for a signal (0); may differ per args line: `exit A: N`
#   part-of: X    not a test itself, but a part of test X
#   mmio-exits: none  KVM's statistics must show none behind the run, but for those by which the stub wakes the home thread
#   end: none     the program does not come to test_done() (it is killed, or executes another program)

# head_values FILE KEY: all values, one a line
head_values() {
	sed -n "1,30s,^\(#\|//\) $2: *,,p" "$1"
}

# head_value FILE KEY DEFAULT: the first value
head_value() {
	local value
	value=$(head_values "$1" "$2" | head -n 1)
	echo "${value:-$3}"
}
