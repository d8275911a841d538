#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 200
# An MPICH program: both ranks decoupled (`mpirun -n 2 decouple run -- pp`), and one next to a native one.
. selftests/apps/lib.sh
need mpicc.mpich libmpich-dev mpirun.mpich mpich
mpicc.mpich -O2 -Wall -Wextra -o "$work/pp" "$programs/pp.c" || {
	echo "pp.c doesn't compile"
	exit 1
}
limit=60
# Shared memory between the ranks, whatever network devices there are.
export UCX_TLS=posix,sysv,self FI_PROVIDER=tcp
run pp native mpirun.mpich -n 2 "$work/pp"
[ "$(cat "$work/pp.native.rc")" = 0 ] || skip "mpirun.mpich doesn't work natively: $(tail -n 1 "$work/pp.native.err")"
grep -q 'ranks 2 wrong 0 ' "$work/pp.native.out" || skip "native ranks don't find each other: $(head -n 1 "$work/pp.native.out")"

under=("$decouple" run --reflector "$reflector" --)
[ -z "$native_only" ] || under=()
for kind in both one; do
	case $kind in
	both) run pp $kind mpirun.mpich -n 2 "${under[@]}" "$work/pp" ;;
	one) run pp $kind mpirun.mpich -n 1 "${under[@]}" "$work/pp" : -n 1 "$work/pp" ;;
	esac
	reason=$(difference pp $kind)
	verdict "$kind" "$reason"
	[ -z "$reason" ] || show pp $kind
done
finish "an MPICH program gives what it gives natively"
