#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 240
# An attach that fails on the way, where the host or the target lacks something, says so and leaves nothing in the target; and what else
# the command answers to targets that are not as usual.
# shellcheck source=selftests/lib/target.sh
. "$(dirname "$0")/../lib/target.sh"

if [ "$(id -u)" != 0 ]; then
	echo "needs root, to change the namespaces and the limits of its processes"
	exit 4
fi

# stays_attachable: once more, without what made it fail
stays_attachable() {
	timeout 20 "$decouple" --reflector "$reflector" "$@" "$pid" >"$dir/message" 2>&1 || bad "afterwards: $(cat "$dir/message")"
	timeout 20 "$decouple" recouple "$pid" >"$dir/message" 2>&1 || bad "recouple afterwards: $(cat "$dir/message")"
	fingerprint "$pid" >"$dir/after"
	diff -u "$dir/before" "$dir/after" >"$dir/diff" || bad "recouple left something: $(cat "$dir/diff")"
}

no_dev='mount -t tmpfs none /dev && mknod -m 666 /dev/null c 1 3 && exec "$@"'
bad_kvm='mount --bind /dev/null /dev/kvm && exec "$@"'

case_name="/dev/kvm missing"
start plain
as=(unshare -m sh -c "$no_dev" sh)
missing="/dev/kvm.*load kvm_" # and /dev/decouple, which is looked for first
[ "$reflector" = signal ] || missing="module.*is not loaded"
refused_untouched 4 "$missing"
refused 4 "$missing.*not run" run --reflector "$reflector" -- echo no
refused 4 "not available here" probe
as=(env)
counts || bad "the target stands still"
stays_attachable
finish

case_name="/dev/kvm out of the target's reach"
start plain unshare -m sh -c "$no_dev" sh
refused_untouched 1 "open /dev/kvm from within.*No such file.*container"
counts || bad "the target stands still"
finish
if [ "$(stat -c %a /dev/kvm)" != 666 ]; then
	start plain setpriv --reuid 65534 --regid 65534 --clear-groups
	refused_untouched 1 "open /dev/kvm from within.*Permission denied.*group"
	counts || bad "the target stands still"
	finish
fi

case_name="/dev/kvm is something else"
start plain unshare -m sh -c "$bad_kvm" sh
refused_untouched 1 "KVM_GET_API_VERSION"
counts || bad "the target stands still"
finish

case_name="run, /dev/kvm is something else"
as=(unshare -m sh -c "$bad_kvm" sh)
for ((round = 0; round < 5; round++)); do
	refused 1 "KVM_GET_API_VERSION.*the program was not run" run --reflector "$reflector" -- echo program
	grep -qx program "$dir/message" && bad "the program ran"
	refused 0 "KVM_GET_API_VERSION.*runs natively" run --reflector "$reflector" --best-effort -- echo program
	grep -qx program "$dir/message" || bad "the program did not run natively: $(cat "$dir/message")"
done
as=(env)

case_name="follow, /dev/kvm is something else by then"
refused 5 "runs its new program natively.*KVM_GET_API_VERSION" run --reflector "$reflector" --follow -- \
	unshare -m sh -c 'mount --bind /dev/null /dev/kvm && exec sh -c "echo program; exit 5"'
grep -qx program "$dir/message" || bad "the program did not run: $(cat "$dir/message")"

case_name="no more threads"
start plain setpriv --reuid 65533 --clear-groups prlimit --nproc=1
refused_untouched 1 "clone the resident's manager.*ulimit -u"
counts || bad "the target stands still"
finish

case_name="no more memory"
start plain prlimit --as=4000000:unlimited
refused_untouched 1 "(map|clone|memory).*Cannot allocate memory|did not map"
counts || bad "the target stands still"
prlimit --pid "$pid" --as=unlimited
stays_attachable
prlimit --pid "$pid" --as=1000:unlimited
refused_untouched 1 "did not map the resident.*out of memory|Cannot allocate memory"
counts || bad "the target stands still"
finish

# With each descriptor more it comes further: the first thread is decoupled before the second fails.
case_name="no more files"
start threads
refusals=0 successes=0
for ((files = 1; files < 12; files++)); do
	fingerprint "$pid" >"$dir/before"
	prlimit --pid "$pid" --nofile=$files:1024
	timeout 20 "$decouple" --reflector "$reflector" --all "$pid" >"$dir/message" 2>&1
	case $? in
	0)
		successes=$((successes + 1))
		timeout 20 "$decouple" recouple "$pid" >"$dir/message" 2>&1 || bad "recouple: $(cat "$dir/message")"
		;;
	1)
		refusals=$((refusals + 1))
		grep -q "Too many open files" "$dir/message" || bad "$files files: $(cat "$dir/message")"
		;;
	*) bad "$files files: $(cat "$dir/message")" ;;
	esac
	fingerprint "$pid" >"$dir/after"
	diff -u "$dir/before" "$dir/after" >"$dir/diff" || bad "$files files: the target was changed: $(cat "$dir/diff")"
	counts || bad "the target stands still"
done
if [ $refusals -lt 3 ] || [ $successes -lt 1 ]; then
	bad "$refusals refusals, $successes successes: not all steps were reached"
fi
finish

case_name="full signal queue"
start plain
if [ "$reflector" = signal ]; then
	prlimit --pid "$pid" --sigpending=0:1000
	refused_untouched 1 "signal 64.*queue full.*RLIMIT_SIGPENDING"
	counts || bad "the target stands still"
	prlimit --pid "$pid" --sigpending=1000:1000
	stays_attachable
fi
finish

case_name="no free core"
start plain
group=
if [ -e /sys/fs/cgroup/cpuset/cpuset.cpus ]; then
	group=/sys/fs/cgroup/cpuset/decouple-test-$$
	mkdir "$group" && cat /sys/fs/cgroup/cpuset/cpuset.mems >"$group/cpuset.mems"
elif grep -qw cpuset /sys/fs/cgroup/cgroup.subtree_control 2>/dev/null; then
	group=/sys/fs/cgroup/decouple-test-$$
	mkdir "$group"
fi
if [ "$group" ] && echo 0 >"$group/cpuset.cpus"; then
	as=(sh -c "echo \$\$ >$group/cgroup.procs && exec \"\$@\"" sh)
	refused_untouched 1 "no free core.*--cores"
	as=(env)
	counts || bad "the target stands still"
	for ((try = 0; try < 20; try++)); do
		rmdir "$group" 2>/dev/null && break
		pause 0.05
	done
else
	echo "no free core: no cpuset cgroup can be made here, not tested"
fi
finish

case_name="a thread named twice"
start plain
fingerprint "$pid" >"$dir/before"
refused 0 "1 thread decoupled" --reflector "$reflector" --tid "$pid" --tid "$pid" "$pid"
refused 0 "1 thread recoupled" recouple "$pid" --tid "$pid" --tid "$pid"
fingerprint "$pid" >"$dir/after"
diff -u "$dir/before" "$dir/after" >"$dir/diff" || bad "not as it was: $(cat "$dir/diff")"
finish

case_name="the main thread has ended"
start leaderless
refused_untouched 1 "main thread.*ended.*--tid.*--all"
counts || bad "the target stands still"
stays_attachable --all
tid=$(find "/proc/$pid/task" -mindepth 1 -maxdepth 1 -printf '%f\n' | grep -vx "$pid" | head -n 1)
stays_attachable --tid "$tid"
finish

case_name="of another user"
start plain
timeout 20 "$decouple" --reflector "$reflector" "$pid" >"$dir/message" 2>&1 || bad "attach failed: $(cat "$dir/message")"
cp "$decouple" "$dir/decouple" && chmod 755 "$dir/decouple"
privileged=$decouple
as=(setpriv --reuid 65534 --regid 65534 --clear-groups)
decouple=$dir/decouple
refused 1 "not permitted.*owner" status "$pid"
refused 1 "not permitted.*owner" recouple "$pid"
refused 0 "no decoupled threads" status
decouple=$privileged
as=(env)
refused 0 "1 thread recoupled" recouple "$pid"
finish

# A parent in vfork() can't be stopped: the attach waits, says so after a second, and is done when the child has ended.
case_name="attach that takes long"
start vfork
printf '\001' | dd of="$dir/count" bs=1 seek=8 conv=notrunc status=none
pause 0.2
refused 0 "^decouple: decoupling process $pid" --reflector "$reflector" "$pid"
grep -q "1 thread decoupled" "$dir/message" || bad "not decoupled: $(cat "$dir/message")"
refused 0 "1 thread recoupled" recouple "$pid"
grep -q "^decouple: recoupling" "$dir/message" && bad "progress of what was done at once"
finish

# strace holds the manager at its exit.
case_name="resident that doesn't go"
start plain
timeout 20 "$decouple" --reflector "$reflector" "$pid" >"$dir/message" 2>&1 || bad "attach failed: $(cat "$dir/message")"
manager=$(grep -lx decouple /proc/"$pid"/task/*/comm | cut -d/ -f5)
strace -qq -o /dev/null -e trace=exit -e inject=exit:delay_enter=14s -p "$manager" &
tracer=$!
started+=("$tracer")
for ((try = 0; try < 100; try++)); do
	grep -q '^TracerPid:.0$' "/proc/$pid/task/$manager/status" || break
	pause 0.05
done
refused 1 "resident's thread $manager has not ended.*traced" recouple "$pid"
grep -q "^decouple: recoupling process $pid" "$dir/message" || bad "no progress: $(cat "$dir/message")"
counts || bad "the target stands still"
kill "$tracer" 2>/dev/null
wait "$tracer" 2>/dev/null
finish

exit $failed
