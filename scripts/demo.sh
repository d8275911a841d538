#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# `make demo`: a real program is decoupled while it computes, and gives the result that it gives natively. Then the same with the
# module, on a stock kernel in a VM; where this machine has no usable /dev/kvm, only there.
# BENCH_ARGS: arguments for the bench at the end (--json ...). DEMO_SECONDS: how long the program computes, about.
# KERNEL: of the VM (6.12).
set -u
root=$(cd "$(dirname "$0")/.." && pwd)
decouple=${DECOUPLE:-$root/build/decouple}
python=/usr/bin/python3
[ -x "$python" ] || python=python3
work=$(mktemp -d)
program=
# shellcheck disable=SC2317 # called by the trap
cleanup() {
	# KILL: whatever state a failure has left it in.
	[ -z "$program" ] || kill -KILL "$program" 2>/dev/null
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

say() { printf '\n== %s\n' "$*"; }
die() {
	echo "demo: $*" >&2
	exit 1
}
show() {
	printf '$ %s\n' "$(printf '%s' "$*" | sed "s,^$decouple,decouple,")"
	"$@"
}

# An integer and a floating-point recurrence: each step needs the one before, so an error anywhere changes the result. It prints
# and reads files as it goes, so that there are system calls to reflect.
cat >"$work/compute.py" <<'PYTHON'
import hashlib, math, sys
steps = int(sys.argv[1])
state, real, digest = 88172645463325252, 0.5, hashlib.sha256()
for step in range(steps):
    state ^= state << 13 & 0xffffffffffffffff
    state ^= state >> 7
    state ^= state << 17 & 0xffffffffffffffff
    real = math.fmod(math.sin(real) * 1000.0 + math.sqrt(1.0 + (state & 1023)), 7.0)
    if step % 10000 == 0:
        digest.update(b"%d %s" % (state, real.hex().encode()))
        with open("/proc/self/comm", "rb") as comm:
            digest.update(comm.read())
digest.update(b"%d %s" % (state, real.hex().encode()))
print("steps", steps, "state", state, "real", real.hex(), "sha256", digest.hexdigest())
PYTHON

in_vm() {
	say "The module, on Debian's stock kernel ${KERNEL:-6.12} in a VM (emulated: slow)"
	"$root/selftests/vm/boot.sh" "KERNEL=${KERNEL:-6.12}" MODULE=yes TIMEOUT=900 DMESG=any -- \
		env DEMO_SECONDS=5 BENCH_ARGS="--samples 200" "$root/scripts/demo.sh"
}

say "What this host offers"
if ! show "$decouple" probe; then
	[ -z "${DECOUPLE_RIG:-}" ] || exit 1
	in_vm
	exit
fi

seconds=${DEMO_SECONDS:-10}
begin=$(date +%s%N)
"$python" "$work/compute.py" 400000 >/dev/null || die "$python cannot run the program"
steps=$((400000 * seconds * 1000 / (($(date +%s%N) - begin) / 1000000 + 1)))

say "The program, natively: $steps steps"
time_of() { # VARIABLE COMMAND...
	local start
	start=$(date +%s%N)
	"${@:2}"
	local status=$?
	printf -v "$1" '%d' $((($(date +%s%N) - start) / 1000000))
	return $status
}
native_ms=0
time_of native_ms "$python" "$work/compute.py" "$steps" >"$work/native" || die "the native run failed"
cat "$work/native"
echo "took $native_ms ms"

say "The same program again; it is decoupled while it computes"
start=$(date +%s%N)
# PERCENT of the native run's time, from its start on: how fast this machine is changes from minute to minute.
sleep_until() {
	local ms=$((native_ms * $1 / 100 - ($(date +%s%N) - start) / 1000000))
	[ $ms -le 0 ] || sleep "$(printf '%d.%03d' $((ms / 1000)) $((ms % 1000)))"
}
"$python" "$work/compute.py" "$steps" >"$work/decoupled" &
program=$!
sleep_until 10
show "$decouple" "$program" || die "decoupling failed"
sleep_until 20
show "$decouple" status "$program" || die "status failed"
sleep_until 60
show "$decouple" status "$program" --json || die "status failed"
state=$("$decouple" status "$program" --json)
[[ $state == *'"state":"decoupled"'* || $state == *'"state":"paused"'* ]] || die "process $program is not decoupled: $state"

say "Given back to Linux, still computing"
show "$decouple" recouple "$program" || die "recoupling failed"
show "$decouple" status "$program"
wait "$program" || die "the decoupled program failed"
program=
echo "took $((($(date +%s%N) - start) / 1000000)) ms (natively $native_ms ms)"
cat "$work/decoupled"
cmp "$work/native" "$work/decoupled" || die "the results differ"
echo "The results are identical."

say "Decoupled from the first instruction to the last"
run_ms=0
time_of run_ms "$decouple" run -- "$python" "$work/compute.py" "$steps" >"$work/run" || die "decouple run failed"
cmp "$work/native" "$work/run" || die "the results differ"
echo "took $run_ms ms (natively $native_ms ms); the results are identical."

# A small problem on one process: the lines of hpccinf.txt in their fixed order; what stands behind a value is ignored.
hpcc_input=(
	"HPLinpack benchmark input file" "of make demo"
	"HPL.out" "8 device: file" "1 number of N" "1000 N" "1 number of NB" "32 NB"
	"0 row-major" "1 number of grids" "1 P" "1 Q" "16.0 threshold"
	"1 panel factorisations" "2 right" "1" "4 NBMIN" "1" "2 NDIV" "1" "1 RFACT" "1" "1 BCAST" "1" "1 DEPTH"
	"2 SWAP" "64 swapping threshold" "0 L1" "0 U" "1 equilibration" "8 alignment"
	"separator" "0 more N for PTRANS" "0" "0 more NB for PTRANS" "0"
)
# hpcc's matrices are random, and so are its residuals, in native runs too; its own verdicts on them must be the same.
run_hpcc() { # DIRECTORY COMMAND...
	mkdir "$work/$1"
	printf '%s\n' "${hpcc_input[@]}" >"$work/$1/hpccinf.txt"
	(cd "$work/$1" && "${@:2}" >output 2>&1) || {
		tail -n 20 "$work/$1/output" >&2
		die "hpcc failed ($1)"
	}
	grep -E '^Success=|tests completed|^Node.* with error|^Found .* errors|^PTRANS_residual=|_Errors=' "$work/$1/hpccoutf.txt" >"$work/$1/verdict"
}
if [ "${DECOUPLE_RIG:-}" ]; then
	: # emulated, it would take many minutes
elif command -v hpcc >/dev/null && command -v mpirun >/dev/null; then
	say "HPC Challenge, natively and decoupled"
	mpi=(mpirun --allow-run-as-root --oversubscribe -n 1)
	run_hpcc hpcc_native "${mpi[@]}" hpcc
	run_hpcc hpcc_decoupled "${mpi[@]}" "$decouple" run -- hpcc
	cat "$work/hpcc_decoupled/verdict"
	diff "$work/hpcc_native/verdict" "$work/hpcc_decoupled/verdict" || die "hpcc's verdicts differ"
	grep -q '^Success=1' "$work/hpcc_decoupled/verdict" || die "hpcc reports a failure"
	echo "hpcc's own checks give the same verdicts."
else
	say "hpcc or mpirun is not installed: left out"
fi

say "What a system call costs"
# shellcheck disable=SC2086
show "$decouple" bench syscall ${BENCH_ARGS:-} || die "the bench failed"
[ -z "${DECOUPLE_RIG:-}" ] || exit 0
in_vm
status=$?
[ $status != 4 ] || die "the part with the module is left out: see above for what is missing"
exit $status
