#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Runs the tests of the named groups and reports in TAP 14: run.sh [-f PATTERN] [GROUP...]
#
# A test is an executable. Exit 0: passed. Exit 4: skipped, and its last line of output says why. Everything else, a timeout, a
# skip without a reason and new kernel warnings are failures. -f runs only tests whose name (group/name) matches the glob.
# Environment: REFLECTOR (signal) and DECOUPLE (build/decouple) are handed to the tests.
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
cd "$root" || exit 1
export DECOUPLE=${DECOUPLE:-$root/build/decouple} REFLECTOR=${REFLECTOR:-signal} TEST_BUILD=$root/build/selftests
# shellcheck source=selftests/lib/head.sh
. "$here/lib/head.sh"

usage() {
	echo "usage: run.sh [-f PATTERN] [style|unit|kvm|stress|apps|vm]..." >&2
	exit 2
}

pattern='*'
while getopts f: option; do
	case $option in
	f) pattern=$OPTARG ;;
	*) usage ;;
	esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || set -- style unit kvm stress apps vm

# Tests of a group, one a line: name, source with the head, command.
scripts() {
	local file
	for file in "$here/$1"/$2; do
		[ -x "$file" ] && [ -z "$(head_values "$file" part-of)" ] && [ "$1/${file##*/}" != vm/boot.sh ] &&
			printf '%s\t%s\t%s\n' "$(basename "$file" .sh)" "$file" "$file"
	done
}

list_group() {
	local file name args
	case $1 in
	unit)
		for file in "$here"/unit/*_test.cc; do
			[ -e "$file" ] || continue
			name=$(basename "$file" .cc)
			printf '%s\t%s\t%s\n' "$name" "$file" "$TEST_BUILD/unit/$name --gtest_brief=1"
		done
		;;
	kvm)
		for file in "$here"/kvm/*.c; do
			name=$(basename "$file" .c)
			case $name in stress_*) continue ;; esac
			[ -z "$(head_values "$file" part-of)" ] || continue
			if [ -z "$(head_values "$file" args)" ]; then
				printf '%s\t%s\t%s\n' "$name" "$file" "$here/lib/compare.sh $TEST_BUILD/kvm/$name"
			else
				head_values "$file" args | while read -r args; do
					printf '%s\t%s\t%s\n' "$name-${args// /-}" "$file" \
						"$here/lib/compare.sh $TEST_BUILD/kvm/$name $args"
				done
			fi
		done
		scripts kvm '[!s]*.sh'
		scripts kvm 's[!t]*.sh'
		;;
	stress)
		scripts stress '*.sh'
		scripts kvm 'stress_*.sh'
		;;
	style | apps | vm)
		scripts "$1" '*.sh'
		;;
	*) usage ;;
	esac
}

log_time() {
	dmesg 2>/dev/null | sed -n '$s/^\[ *\([0-9.]*\)\].*/\1/p'
}

# Lines younger than $1 that report a defect of the kernel.
log_defects() {
	dmesg 2>/dev/null | awk -v after="${1:-0}" '
		match($0, /^\[ *[0-9.]+\]/) && substr($0, 2, RLENGTH - 2) + 0 > after + 0 &&
		/WARNING:|BUG:|BUG at|Oops|general protection fault, |rcu.*stall|soft lockup|hung_task|blocked for more than/' |
		grep -v 'traps: '
}

passed=0 failed=0 skipped=0 number=0
output=$(mktemp)
trap 'rm -f "$output"' EXIT

report() { # ok|not_ok NAME [COMMENT]
	number=$((number + 1))
	echo "$1 $number $2${3:+ $3}"
}

run_test() { # GROUP NAME SOURCE COMMAND
	local name=$1/$2 limit status before defects reason begin=$SECONDS
	limit=$(head_value "$3" timeout 60)
	before=$(log_time)
	# shellcheck disable=SC2086
	timeout -k 5 "$limit" $4 </dev/null >"$output" 2>&1
	status=$?
	defects=$(log_defects "$before")
	if [ "$defects" ]; then
		printf '%s\n' "the kernel log has new reports:" "$defects" >>"$output"
		status=1
	elif [ $status = 124 ] || [ $status = 137 ]; then
		echo "timeout after $((SECONDS - begin)) s (limit $limit s)" >>"$output"
	elif [ $status = 4 ]; then
		reason=$(grep -v '^[[:space:]]*$' "$output" | tail -n 1)
		if [ "$reason" ]; then
			skipped=$((skipped + 1))
			report ok "$name" "# SKIP $reason"
			return
		fi
		echo "skipped without a reason" >>"$output"
	fi
	if [ $status = 0 ]; then
		passed=$((passed + 1))
		report ok "$name"
		return
	fi
	failed=$((failed + 1))
	report "not ok" "$name"
	echo "exit status $status: $4" >>"$output"
	tail -n 200 "$output" | tr -d '\000' | sed 's/^/    /'
}

for group; do
	case $group in style | unit | kvm | stress | apps | vm) ;; *) usage ;; esac
done
echo "TAP version 14"
dmesg >/dev/null 2>&1 || echo "# the kernel log is not readable here: its reports are not checked"
for group; do
	while IFS=$'\t' read -r name source command; do
		# shellcheck disable=SC2254
		case $group/$name in
		$pattern) run_test "$group" "$name" "$source" "$command" ;;
		esac
	done < <(list_group "$group")
done
echo "1..$number"
if [ $number = 0 ]; then
	echo "# no test matches"
	failed=1
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
