#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 300
# ibv_devinfo and the ping-pong programs of ibverbs-utils, unmodified, between two processes with a model each; they compare what they
# receive (-c) where they can. Once more with every twentieth request lost, where the service makes up for that; and with a
# function that is opened through VFIO, a fake one.
# shellcheck source=selftests/ib/lib.bash
. "$(dirname "$0")/lib.bash"
need ibv_rc_pingpong ibverbs-utils
use_verbs

info=$(on_model ibv_devinfo) || verdict ibv_devinfo "$info"
for wanted in 'hca_id:	mlx5_0' 'state:			PORT_ACTIVE (4)' 'port_lid:		1' 'link_layer:		InfiniBand'; do
	grep -qF "$wanted" <<<"$info" || verdict ibv_devinfo "no line \"$wanted\" in: $info"
done

pair rc ibv_rc_pingpong -c
pair rc_events ibv_rc_pingpong -e -c
pair rc_large ibv_rc_pingpong -c -s 1000000 -n 50
pair uc ibv_uc_pingpong -c
pair uc_events ibv_uc_pingpong -e -c
pair ud ibv_ud_pingpong -c -s 2048
pair ud_events ibv_ud_pingpong -e -c
pair srq ibv_srq_pingpong -c
pair srq_events ibv_srq_pingpong -e -c -q 4

export HCA_LOSS_PERCENT=5 HCA_LOSE_ANSWERS=0 HCA_LEAST_ACK_TIMEOUT_MS=20 HCA_WIRE_DELAY_US=100
pair rc_lossy ibv_rc_pingpong -c -n 200
pair srq_lossy ibv_srq_pingpong -c -n 200
unset HCA_LOSS_PERCENT HCA_LOSE_ANSWERS HCA_LEAST_ACK_TIMEOUT_MS HCA_WIRE_DELAY_US

# A slow device, and one that refuses: the program says so, and ends.
HCA_COMMAND_DELAY_US=2000 pair rc_slow ibv_rc_pingpong -c -n 10
refused=$(HCA_FAIL_OPCODE=0x500 on_model ibv_rc_pingpong 2>&1)
[[ $? = 1 && $refused == *"Couldn't create QP"* ]] || verdict refused "$refused"

# One process: a fake group's function has no wire to another.
through_vfio=$(HCA_FUNCTION=vfio:0000:3b:00.1 timeout 20 env LD_PRELOAD="$verbs:$(preload fake-vfio.so)" ibv_devinfo)
grep -qF 'PORT_ACTIVE (4)' <<<"$through_vfio" || verdict vfio "no active port in: $through_vfio"
finish
