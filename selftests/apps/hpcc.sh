#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 240
# hpcc under Open MPI, both ranks decoupled: the whole suite passes its own checks, and its residuals are the native ones.
# With two cores, each rank's guest and home thread share a core: the ranks give way when they wait.
. selftests/apps/lib.sh
need hpcc hpcc mpirun.openmpi openmpi-bin
limit=${limit_hpcc:-150}
example=/usr/share/doc/hpcc/examples/_hpccinf.txt
[ -r $example ] || skip "$example is missing: apt-get install --reinstall hpcc"

# Lines 5 to 12 are counts and values of N, NB, and the process grid.
prepare() {
	awk 'NR == 5 || NR == 7 || NR == 10 { print 1; next }
		NR == 6 { print 400; next }
		NR == 8 { print 64; next }
		NR == 11 { print 1; next }
		NR == 12 { print 2; next }
		{ print }' $example >hpccinf.txt
}
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
mpi=(mpirun.openmpi --allow-run-as-root --oversubscribe --bind-to none --mca mpi_yield_when_idle 1 --mca btl "self,vader" -n 2)

# summary KIND: what must be equal. Timings differ; residuals and error counts don't, for the data is generated.
summary() {
	grep -E '^(Success|CommWorldProcs|HPL_N|HPL_NB|HPL_nprow|HPL_npcol|PTRANS_residual|MPIRandomAccess_ErrorsFraction)=' \
		"$work/hpcc.$1/hpccoutf.txt"
	# PTRANS prints a line per kind of time, and none for a CPU time of 0: the lines of the wall clock, without the times.
	sed -n -E 's/^(WALL( +[0-9]+){6}) .*(PASSED|FAILED).*/\1 \3/p; /^\|\|Ax-b/p' "$work/hpcc.$1/hpccoutf.txt"
}

run hpcc native "${mpi[@]}" hpcc
[ "$(cat "$work/hpcc.native.rc")" = 0 ] || skip "hpcc doesn't work natively: $(tail -n 1 "$work/hpcc.native.err")"
summary native >"$work/native.summary"
grep -q '^Success=1$' "$work/native.summary" || skip "hpcc fails natively: no Success=1"

if [ -n "$native_only" ]; then
	run hpcc decoupled "${mpi[@]}" hpcc
else
	run hpcc decoupled "${mpi[@]}" "$decouple" run --reflector "$reflector" -- hpcc &
	runner=$!
	watch_status hpcc $runner
	wait $runner
fi
reason=$(difference hpcc decoupled)
if [ -z "$reason" ]; then
	summary decoupled >"$work/decoupled.summary" || reason="no output file"
	grep -q '^Success=1$' "$work/decoupled.summary" || reason="no Success=1"
	cmp -s "$work/native.summary" "$work/decoupled.summary" ||
		reason=${reason:-"results differ: $(diff "$work/native.summary" "$work/decoupled.summary" | sed -n 2p)"}
	[ -n "$native_only" ] || [ -e "$work/hpcc.seen" ] || reason=${reason:-"status never listed it as decoupled"}
fi
verdict hpcc "$reason"
[ -z "$reason" ] || show hpcc decoupled
finish "hpcc passes on decoupled ranks: $(wc -l <"$work/native.summary") results equal"
