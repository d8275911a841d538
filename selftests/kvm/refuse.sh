#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 180
# What can't be decoupled is refused: right exit code, a message that says what to do, and the target goes on untouched.
# shellcheck source=selftests/lib/target.sh
. "$(dirname "$0")/../lib/target.sh"

case_name="no such process"
refused 1 "no process 4194299" 4194299

case_name="kernel thread"
if [ -d /proc/2 ] && [ ! -s /proc/2/cmdline ] && [ "$(cat /proc/2/comm)" = kthreadd ]; then
	refused 1 "kernel thread" 2
else
	echo "kernel thread: none visible here, not tested"
fi

case_name=zombie
# Not before the shell is no more, which would take its status.
bash -c 'sleep 0.5 & echo $!; exec sleep 60' >"$dir/zombie" &
started+=("$!")
for ((i = 0; i < 100; i++)); do
	pause 0.1
	zombie=$(cat "$dir/zombie")
	grep -qs '^State:.Z' "/proc/$zombie/status" && break
done
grep -q '^State:.Z' "/proc/$zombie/status" || bad "no zombie to test with"
refused 1 "zombie.*ended" "$zombie"

case_name="already decoupled"
start plain
timeout 20 "$decouple" --reflector "$reflector" "$pid" >"$dir/message" 2>&1 || bad "attach failed: $(cat "$dir/message")"
refused 1 "already" --reflector "$reflector" "$pid"
counts || bad "the decoupled target stands still after the refusal"
timeout 20 "$decouple" recouple "$pid" >"$dir/message" 2>&1 || bad "recouple failed: $(cat "$dir/message")"
counts || bad "the recoupled target stands still"
case_name="recouple, not decoupled"
refused 1 "decoupled" recouple "$pid"
finish
case_name="recouple, no such process"
refused 1 "no process" recouple 4194299

case_name=traced
start plain
strace -qq -o /dev/null -p "$pid" &
tracer=$!
started+=("$tracer")
for ((try = 0; try < 100; try++)); do
	grep -q '^TracerPid:.0$' "/proc/$pid/status" || break
	pause 0.05
done
if grep -q '^TracerPid:.0$' "/proc/$pid/status"; then
	bad "strace doesn't attach"
fi
refused_untouched 1 "traced by process $tracer.*detach"
kill "$tracer"
wait "$tracer"
finish

case_name=stopped
start plain
kill -STOP "$pid"
pause 0.1
refused_untouched 1 "stopped.*kill -CONT"
kill -CONT "$pid"
counts || bad "does not go on"
finish

case_name="seccomp filter"
start seccomp
if [ "$reflector" = signal ]; then
	refused_untouched 1 "seccomp.*(module|without)"
	counts || bad "the target stands still"
fi
finish

# Twice: the thread goes through the resident, or not even that, and nothing may be left there.
for how in tsc-off cpuid-off user-dispatch; do
	case_name=$how
	if [ $how = cpuid-off ] && ! grep -qw cpuid_fault /proc/cpuinfo; then
		echo "$how: this processor can't, not tested"
		continue
	fi
	start $how
	case $how in
	user-dispatch) reason="Syscall User Dispatch" ;;
	*) reason="switched off RDTSC or CPUID" ;;
	esac
	if [ $how != user-dispatch ] || [ "$reflector" = module ] ||
		printf '6.4\n%s\n' "$(uname -r)" | sort -CV; then
		refused_untouched 1 "$reason"
		counts || bad "the target stands still"
		refused_untouched 1 "$reason"
		counts || bad "the target stands still"
	else
		echo "$how: this kernel does not tell, not tested"
	fi
	finish
done

case_name="thread that switched off RDTSC, beside a decoupled one"
start tsc-off-thread
timeout 20 "$decouple" --reflector "$reflector" "$pid" >"$dir/message" 2>&1 || bad "attach failed: $(cat "$dir/message")"
other=$(find "/proc/$pid/task" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort -n | sed -n 2p)
refused 1 "switched off RDTSC or CPUID.*thread $other" --reflector "$reflector" --tid "$other" "$pid"
counts || bad "the target stands still"
timeout 20 "$decouple" recouple "$pid" >"$dir/message" 2>&1 || bad "recouple failed: $(cat "$dir/message")"
finish

for how in caught ignored; do
	case_name="signal 64 $how"
	start sig64-$how
	if [ "$reflector" = signal ]; then
		refused_untouched 1 "signal 64.*(module|change)"
		counts || bad "the target stands still"
	fi
	finish
done

case_name="32-bit program"
"$build/target32" </dev/null >/dev/null 2>&1 &
pid=$!
started+=("$pid")
pause 0.1
if grep -q '^State:.S' "/proc/$pid/status" 2>/dev/null; then
	refused_untouched 1 "32-bit.*x86-64"
	grep -q '^State:.S' "/proc/$pid/status" || bad "the target is gone"
	kill "$pid"
else
	echo "32-bit program: this kernel runs none, not tested"
fi

case_name="thread id instead of process id"
start threads
tid=$(find "/proc/$pid/task" -mindepth 1 -maxdepth 1 -printf '%f\n' | grep -vx "$pid" | head -n 1)
refused 1 "thread of process $pid.*--tid" "$tid"
case_name="tid of another process"
refused 1 "$$|no thread" --tid $$ "$pid"
counts || bad "the target stands still"
finish

case_name="no permission"
if [ "$(id -u)" = 0 ]; then
	start plain
	# May open every file, /dev/kvm too, but not touch this process.
	as=(setpriv --reuid 65534 --inh-caps +dac_override --ambient-caps +dac_override)
	cp "$decouple" "$dir/decouple" && chmod 755 "$dir/decouple"
	privileged=$decouple
	decouple=$dir/decouple
	if [ "$reflector" = module ]; then
		refused_untouched 4 "no core is granted to uid 65534.*ask the administrator"
	else
		refused_untouched 1 "not permitted|no permission|may not|ptrace"
	fi
	decouple=$privileged
	as=(env)
	counts || bad "the target stands still"
	finish
	case_name="/dev/kvm not permitted"
	if [ "$(stat -c %a /dev/kvm)" != 666 ]; then
		start plain setpriv --reuid 65534 --regid 65534 --clear-groups
		as=(setpriv --reuid 65534 --regid 65534 --clear-groups)
		decouple=$dir/decouple
		refused 4 "/dev/(kvm|decouple).*(group|root)" --reflector "$reflector" "$pid"
		decouple=$privileged
		as=(env)
		counts || bad "the target stands still"
		finish
	fi
else
	echo "no permission: needs root, not tested"
fi

case_name="no such core"
start plain
refused 1 "core.*4095|4095" --reflector "$reflector" --cores 4095 "$pid"
counts || bad "the target stands still"
finish

case_name=usage
for arguments in "" "abc" "-1" "0" "--no-such-option 1" "1 2 3" "--cores x 1" "--reflector magic 1" "--tid x 1" "run" \
	"recouple" "recouple abc" "status abc" "bench no-such-bench" "nonsense"; do
	# shellcheck disable=SC2086
	refused 2 . $arguments
done

exit $failed
