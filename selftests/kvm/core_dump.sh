#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A decoupled program that crashes leaves a core file whose crashing thread has the true RIP, registers and signal.
set -u
here=$(cd "$(dirname "$0")" && pwd)
decouple=$(realpath -m "${DECOUPLE:-$here/../../build/decouple}")
target=$(realpath -m "${TEST_BUILD:-$here/../../build/selftests}/kvm/target")
reflector=${REFLECTOR:-signal}
dir=$(mktemp -d)
pid=
trap 'kill -KILL $pid 2>/dev/null; rm -rf "$dir"' EXIT

skip() {
	echo "$*"
	exit 4
}

[ -e /dev/kvm ] || skip "no /dev/kvm on this machine"
command -v gdb >/dev/null || skip "gdb is not installed: apt-get install gdb"
pattern=$(cat /proc/sys/kernel/core_pattern)
case $pattern in
core | core.%p) ;;
*) skip "core files go to \`$pattern\`, not to the working directory (/proc/sys/kernel/core_pattern)" ;;
esac
ulimit -c unlimited 2>/dev/null || skip "core files are limited to $(ulimit -H -c) blocks here"
mkfifo "$dir/never"

# crash WHERE [LAUNCHER...]: prints what the core file says
crash() {
	local where=$1 status
	shift
	mkdir "$dir/$where"
	cd "$dir/$where" || exit 1
	env "$@" "$target" crash "$dir/$where/count" >out 2>&1 </dev/null &
	pid=$!
	while [ ! -s count ] && kill -0 "$pid" 2>/dev/null; do read -r -t 0.02 <>"$dir/never"; done
	if [ "$where" = attached ]; then
		timeout 20 "$decouple" --reflector "$reflector" "$pid" >attach 2>&1 || cat attach
	fi
	if [ "$where" != native ]; then
		timeout 10 "$decouple" status --json "$(pgrep -P "$pid" -x target || echo "$pid")" |
			grep -q '"state":"decoupled"' || echo "$where: not decoupled before the crash"
	fi
	# The shell itself says on its standard error that a child crashed, whenever it finds out.
	{
		printf '\001' | dd of=count bs=1 seek=8 conv=notrunc status=none
		wait "$pid"
	} 2>/dev/null
	status=$?
	echo "exit status $status"
	set -- core*
	[ -s "$1" ] || {
		echo "no core file"
		return
	}
	# shellcheck disable=SC2016
	timeout 60 gdb -nx -batch -ex 'info symbol $pc' -ex 'p/x $rbx' -ex 'p/x $r12' -ex 'p/x $r15' -ex 'p/x $rax' \
		-ex 'p $_siginfo.si_signo' -ex 'p $_siginfo.si_code' -ex 'p $_siginfo._sifields._sigfault.si_addr' "$target" "$1" 2>/dev/null |
		grep -E '^\$|in section'
}

crash native >"$dir/native.txt" 2>&1
crash attached >"$dir/attached.txt" 2>&1
crash run "$decouple" run --reflector "$reflector" -- >"$dir/run.txt" 2>&1
grep -q '^die_insn in section' "$dir/native.txt" || {
	echo "the native core file is not understood:"
	cat "$dir/native.txt"
	exit 1
}
failed=0
for where in attached run; do
	diff -u --label native --label $where "$dir/native.txt" "$dir/$where.txt" || failed=1
done
exit $failed
