#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 60
# What is refused changes nothing, says why, and has its exit code.
# shellcheck source=selftests/cores/lib/cores.sh
. "$(dirname "$0")/lib/cores.sh"

refused() { # STATUS PATTERN ARGUMENTS...
	local status
	"$decouple" cores "${@:3}" >"$work/out" 2>&1
	status=$?
	[ $status = "$1" ] || fail "decouple cores ${*:3}: exit status $status instead of $1: $(cat "$work/out")"
	grep -q -- "$2" "$work/out" || fail "decouple cores ${*:3}: [$(cat "$work/out")] instead of $2"
	count=$((count + 1))
}
count=0

if ! mountpoint -q $cgroup; then
	refused 4 'no cgroup file system with the cpuset controller' reserve 3
fi
with_one_core() {
	hold_v2 && refused 1 'cores 2-3: offline' reserve 2-3
}
hold_cpusets with_one_core
before
refused 1 'core 0: the boot processor' reserve 0
refused 1 'core 0: the boot processor' reserve 0-3
refused 1 'core 9: there is none' reserve 3,9
refused 2 'is not a list of cores' reserve 3-
refused 2 'is not a list of cores' reserve 3-1
refused 2 'is not a list of cores' reserve ,
refused 2 'is not a list of cores' reserve 99999999999999999999
refused 2 'is not a list of cores' reserve all
refused 2 'needs a list of cores' reserve
refused 2 'needs a list of cores' release
refused 2 'takes no cores' list 3
refused 2 'belong to' release 3 --siblings take
refused 2 'not in {list,reserve,release}' take 3
refused 2 'not in {leave,take,idle}' reserve 3 --siblings give
refused 2 'not a number of milliseconds' reserve 3 --hush=0
refused 2 'not a number of milliseconds' reserve 3 --hush=1s
refused 2 'not a number of milliseconds' reserve 3 --hush=4001
refused 1 'core 3: not reserved' release 3
[ -e /sys/kernel/decouple/hush ] || refused 4 '--hush needs the kernel module' reserve 3 --hush
refused 1 'open the configuration' reserve --config "$work/none"
refused 2 'stands for the cores' reserve 3 --config "$work/none"
printf 'cores = 2\n\nsibling = take\n' >"$work/conf"
refused 1 'line 3: no setting is called .sibling.' reserve --config "$work/conf"
printf 'cores = two\n' >"$work/conf"
refused 1 'line 1: .two. is not a list' reserve --config "$work/conf"
# A cpuset of our name, by somebody else.
mkdir $cgroup/decouple
refused 1 'is there already' reserve 3
rmdir $cgroup/decouple
as_before "behind refusals"

cores reserve 1,3
before
refused 1 'core 3: reserved already' reserve 2-3
refused 1 'core 2: not reserved' release 1-2
setpriv --reuid 65534 --clear-groups "$decouple" cores list --json >"$work/out" 2>&1 || fail "list as nobody: $(cat "$work/out")"
[ "$(jq -r '[.cores[].state] | join(" ")' "$work/out")" = "service reserved service reserved" ] || fail "list as nobody: $(cat "$work/out")"
setpriv --reuid 65534 --clear-groups "$decouple" cores release all >"$work/out" 2>&1 && fail "released by nobody"
grep -q 'by root only' "$work/out" || fail "as nobody: $(cat "$work/out")"
as_before "behind refusals with cores 1 and 3 reserved"
cores release all

# The standing reservation: done twice it is content, and so is its end.
printf '# a comment\ncores = 2-3   # two\nsiblings = take\nhush =\n' >"$work/conf"
before
cores reserve --config "$work/conf"
cores reserve --config "$work/conf"
grep -q 'nothing to be reserved' "$work/out" || fail "reserved twice: $(cat "$work/out")"
cores release 3
cores reserve --config "$work/conf"
grep -q '^core 3 reserved' "$work/out" || fail "the rest of it: $(cat "$work/out")"
cores release --config "$work/conf"
cores release --config "$work/conf"
grep -q 'nothing to be released' "$work/out" || fail "released twice: $(cat "$work/out")"
printf '# cores = 2\n' >"$work/conf"
cores reserve --config "$work/conf"
as_before "behind the configuration"
echo "$count refusals"
