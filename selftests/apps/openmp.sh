#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 240
# OpenMP (libgomp): the main thread alone decoupled, the whole team with --follow, a running team with --all.
. selftests/apps/lib.sh
need gcc gcc
gcc -O2 -Wall -Wextra -Werror -fopenmp -o "$work/openmp" "$programs/openmp.c" || {
	echo "openmp.c doesn't compile"
	exit 1
}
# Spinning members must give way: more of them than cores.
export OMP_WAIT_POLICY=passive
for threads in 2 4; do
	export OMP_NUM_THREADS=$threads
	watched "main_of_$threads" -- "$work/openmp"
	compare "team_of_$threads" --follow -- "$work/openmp"
	attached "team_of_$threads" --all -- "$work/openmp"
done
export OMP_WAIT_POLICY=active GOMP_SPINCOUNT=10000 OMP_NUM_THREADS=2
compare spinning_team --follow -- "$work/openmp"
attached spinning_team --all --follow -- "$work/openmp"
finish "an OpenMP program gives what it gives natively"
