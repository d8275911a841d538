#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 900
# rdma-core's own test of its VFIO driver, as Debian ships it, on a fake VFIO group: two tests, 3 runs, 100 with SOAK=1.
# shellcheck source=selftests/ib/lib.bash
. "$(dirname "$0")/lib.bash"
packed=/usr/share/doc/rdma-core/tests
[ -e $packed/run_tests.py ] || skip "no $packed: apt-get install rdma-core"
python=/usr/bin/python3
$python -c 'import pyverbs.device' 2>/dev/null || skip "no pyverbs: apt-get install python3-pyverbs"
$python -c 'import scapy' 2>/dev/null || skip "no scapy: apt-get install python3-scapy"
front=$(preload fake-vfio.so) || { echo "$front" && exit 4; }
cp -r $packed "$work/tests"
gunzip "$work"/tests/*.gz
# Of the suite's modules only this one is looked at.
cd "$work/tests" || exit 1
runs=3
[ "${SOAK:-}" ] && runs=100
for ((run = 1; run <= runs; run++)); do
	# One of them with commands that take their time.
	if ! timeout 60 env LD_PRELOAD="$front" HCA_COMMAND_DELAY_US=$((run == 2 ? 1000 : 0)) $python run_tests.py --pci-dev 0000:3b:00.1 --port 1 -v tests.tests.test_mlx5_vfio >"$work/out" 2>&1 ||
		! grep -q '^Ran 2 tests' "$work/out" || grep -q skipped "$work/out"; then
		echo "run $run of $runs:"
		cat "$work/out"
		exit 1
	fi
done
echo "2 tests passed in each of $runs runs"
