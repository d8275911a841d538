#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 600
# perftest, unmodified, between two processes with a model each: operations, services, latency and bandwidth, and its main options.
# What it measures here means nothing.
# shellcheck source=selftests/ib/lib.bash
. "$(dirname "$0")/lib.bash"
need ib_write_bw perftest
use_verbs
count=100
[ "${SOAK:-}" ] && count=1000

for service in RC UC; do
	pair write-lat-$service ib_write_lat -c $service -n $count
	pair write-bw-$service ib_write_bw -c $service -n $count
done
# Without acknowledgements nobody waits for the receiver: it has room for all.
for service in RC UC UD; do
	pair send-lat-$service ib_send_lat -c $service -n $count -r 512
	pair send-bw-$service ib_send_bw -c $service -n $((count < 512 ? count : 512)) -r 512
done
for kind in read atomic; do
	pair $kind-lat ib_${kind}_lat -n $count
	pair $kind-bw ib_${kind}_bw -n $count
done
pair atomic-bw-swap ib_atomic_bw -A CMP_AND_SWAP -n $count

pair write-bw-both-ways ib_write_bw -b -n $count
pair write-bw-8-pairs ib_write_bw -q 8 -n $count
pair send-bw-events ib_send_bw -e -n $count
pair send-lat-events ib_send_lat -e -n $count
pair read-bw-events ib_read_bw -e -n $count
pair send-bw-srq ib_send_bw --use-srq -r 512 -n $count
pair write-lat-inline ib_write_lat -I 128 -s 128 -n $count

# All sizes, from 2 bytes to 8 MiB.
pair write-bw-sizes ib_write_bw -a -n 10
pair read-lat-sizes ib_read_lat -a -n 10
pair send-bw-sizes ib_send_bw -a -n 10
finish
