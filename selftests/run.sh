#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Runs the tests of the named groups and reports in TAP 14: run.sh [-f PATTERN] [-k KERNEL] [GROUP...]
#
# A test is an executable. Exit 0: passed. Exit 4: skipped, and its last line of output says why. Everything else, a timeout, a
# skip without a reason and new kernel warnings are failures. -f runs only tests whose name (group/name) matches the glob.
# -k 6.1|6.1-rt|6.12|6.12-rt runs them in the VM with that stock kernel and the module; the groups kmod, cores and dev run there in any
# case, on 6.1 and 6.12, dev with an AMD IOMMU on 6.1 and with one of Intel's on 6.12 (both on both with SOAK=1; IOMMU=amd|intel). With -k the default is kvm and kmod. PATTERN may be an extended glob. Environment: REFLECTOR (module with -k, else
# signal) and DECOUPLE (build/decouple) are handed to the tests; TIMEOUT_SCALE multiplies their time limits;
# SOAK=1 has those that can do a long run do it, SEED repeats one.
set -u
shopt -s extglob
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
cd "$root" || exit 1
export DECOUPLE=${DECOUPLE:-$root/build/decouple} TEST_BUILD=$root/build/selftests
# shellcheck source=selftests/lib/head.sh
. "$here/lib/head.sh"

usage() {
	echo "usage: run.sh [-f PATTERN] [-k 6.1|6.1-rt|6.12|6.12-rt] [style|unit|ib|kvm|stress|apps|kmod|cores|dev|vm]..." >&2
	exit 2
}

pattern='*' kernel=
while getopts f:k: option; do
	case $option in
	k) kernel=$OPTARG ;;
	f) pattern=$OPTARG ;;
	*) usage ;;
	esac
done
shift $((OPTIND - 1))
export REFLECTOR=${REFLECTOR:-$([ "$kernel" ] && echo module || echo signal)}
if [ $# = 0 ] && [ "$kernel" ]; then
	set -- kvm kmod
elif [ $# = 0 ]; then
	set -- style unit ib kvm stress apps kmod cores dev vm
fi

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
	kmod)
		for file in "$here"/kmod/*.c; do
			[ -e "$file" ] || continue
			[ -z "$(head_values "$file" part-of)" ] || continue
			name=$(basename "$file" .c)
			printf '%s\t%s\t%s\n' "$name" "$file" "$TEST_BUILD/kmod/$name"
		done
		scripts kmod '*.sh'
		;;
	dev)
		for file in "$here"/dev/*.c; do
			[ -z "$(head_values "$file" part-of)" ] || continue
			name=$(basename "$file" .c)
			printf '%s\t%s\t%s\n' "$name" "$file" "$here/lib/compare.sh $TEST_BUILD/dev/$name"
		done
		scripts dev '*.sh'
		;;
	stress)
		scripts stress '*.sh'
		scripts kvm 'stress_*.sh'
		;;
	style | ib | apps | cores | vm)
		scripts "$1" '*.sh'
		;;
	*) usage ;;
	esac
}

# Kernels of the VM, each with the IOMMU that it has in the group dev.
with_iommu() { # KERNELS
	local kernel iommu
	for kernel in $1; do
		case $kernel in
		6.1 | 6.1-*) iommu=amd ;;
		*) iommu=intel ;;
		esac
		[ ! "${SOAK:-}" ] || iommu='intel amd'
		for iommu in ${IOMMU:-$iommu}; do
			echo "$kernel+$iommu"
		done
	done
}

log_time() {
	dmesg 2>/dev/null | sed -n '$s/^\[ *\([0-9.]*\)\].*/\1/p'
}

# Lines younger than $1 that report a defect of the kernel.
log_defects() {
	dmesg 2>/dev/null | awk -v after="${1:-0}" '
		match($0, /^\[ *[0-9.]+\]/) && substr($0, 2, RLENGTH - 2) + 0 > after + 0 &&
		/WARNING:|BUG:|BUG at|BUG [a-z0-9_-]+ \(|suspicious RCU|Oops|general protection fault, |rcu.*stall|soft lockup|hung_task|blocked for more than/' |
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
	limit=$(($(head_value "$3" timeout 60) * ${TIMEOUT_SCALE:-1}))
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

# Under emulation everything takes longer, and more so on a busy machine.
rig_scale=$((4 * ${TIMEOUT_SCALE:-1}))

# Settings of the VM for a group, but for the kernel.
rig_settings() { # GROUP IOMMU: sets $settings
	settings=(MODULE=yes SMP=2)
	case $1 in
	cores) settings=(MODULE=yes SMP=4) ;;
	dev) settings+=("IOMMU=$2" "DEVICES=edu edu nvme nvme-vf") ;;
	esac
}

# Runs a group in the VM and takes over what it reports there.
run_in_rig() { # KERNEL[+IOMMU] GROUP
	local name source command line limit=60 seen=0 failures=$failed ended='' status settings
	rig_settings "$2" "${1#*+}"
	while IFS=$'\t' read -r name source command; do
		# shellcheck disable=SC2254
		case $2/$name in
		$pattern) limit=$((limit + rig_scale * $(head_value "$source" timeout 60) + 5)) seen=1 ;;
		esac
	done < <(list_group "$2")
	[ $seen = 1 ] || return
	seen=0
	: >"$output"
	while IFS= read -r line; do
		case $line in
		"ok "* | "not ok "*)
			[[ $line =~ ^(ok|not ok)\ [0-9]+\ (.*)$ ]]
			report "${BASH_REMATCH[1]}" "$1:${BASH_REMATCH[2]}"
			case $line in
			not*) failed=$((failed + 1)) ;;
			*"# SKIP "*) skipped=$((skipped + 1)) ;;
			*) passed=$((passed + 1)) ;;
			esac
			seen=1
			;;
		"    "*) printf '%s\n' "$line" ;;
		"TAP version"* | 1..*) ;;
		*" passed, "*" failed, "*" skipped") ended=yes ;;
		status:*) status=${line#status:} ;;
		*) printf '%s\n' "$line" >>"$output" ;;
		esac
	done < <(
		"$here/vm/boot.sh" "KERNEL=${1%+*}" "${settings[@]}" "TIMEOUT=$limit" -- env "REFLECTOR=$REFLECTOR" "DECOUPLE=$DECOUPLE" \
			"TIMEOUT_SCALE=$rig_scale" ${SOAK:+SOAK="$SOAK"} ${SEED:+SEED="$SEED"} selftests/run.sh -f "$pattern" "$2" 2>&1 </dev/null
		echo "status:$?"
	)
	if [ "$status" = 4 ] && [ $seen = 0 ]; then
		skipped=$((skipped + 1))
		report ok "$1:$2" "# SKIP $(tail -n 1 "$output")"
	elif [ -z "$ended" ] || { [ "$status" != 0 ] && [ $failed = "$failures" ]; }; then
		failed=$((failed + 1))
		report "not ok" "$1:$2"
		echo "exit status $status of the VM" >>"$output"
		tail -n 200 "$output" | tr -d '\000' | sed 's/^/    /'
	else
		sed 's/^/# /' "$output"
	fi
}

for group; do
	case $group in style | unit | ib | kvm | stress | apps | kmod | cores | dev | vm) ;; *) usage ;; esac
done
echo "TAP version 14"
dmesg >/dev/null 2>&1 || echo "# the kernel log is not readable here: its reports are not checked"
for group; do
	kernels=$kernel
	case $group in
	kmod | cores) [ "${DECOUPLE_RIG:-}" ] || kernels=${kernel:-6.1 6.12} ;;
	dev) [ "${DECOUPLE_RIG:-}" ] || kernels=$(with_iommu "${kernel:-6.1 6.12}") ;;
	esac
	if [ "$kernels" ]; then
		for name in $kernels; do
			run_in_rig "$name" "$group"
		done
		continue
	fi
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
