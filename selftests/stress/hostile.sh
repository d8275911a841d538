#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 300
# A decoupled program that scribbles over its slot page harms itself at most.
# shellcheck source=selftests/stress/lib/stress.sh
. "$(dirname "$0")/lib/stress.sh"

start bystander "$programs/stress_regs" -s 600
bystander=$started
attach "$bystander"

reached=0
for kind in 0 1 2 3 4 5 6 7 8 9; do
	start hostile "$programs/stress_hostile" -o "$tmp/stores" -k $kind -r "$SEED" -s 60
	hostile=$started
	# In kind 8 the second thread attacks, and must be in the guest for that; in kind 9 it must not.
	if [ $kind = 9 ]; then
		attach "$hostile"
		printf '\1' | dd of="$tmp/stores" bs=1 seek=8 conv=notrunc status=none
	else
		attach "$hostile" --all
	fi
	sleep "$(scaled 1)"
	stores=$(od -A n -N 8 -t u8 "$tmp/stores" | tr -d ' ')
	echo "kind $kind: $stores stores, state $(state_of "$hostile")"
	[ "$stores" -gt 0 ] && reached=$((reached + 1))
	# It may hang or be dead; the command may fail, but must return.
	timeout -k 5 45 "$DECOUPLE" recouple "$hostile" >"$tmp/command" 2>&1 </dev/null
	[ $? -ge 124 ] && fail "kind $kind: recouple hangs"
	kill -KILL "$hostile" 2>/dev/null
	ended "$hostile" 5 || fail "kind $kind: cannot be killed"
	rm -f "$tmp/stores"
	kill -0 "$bystander" 2>/dev/null || fail "kind $kind: the bystander is gone: $(tail -n 3 "$tmp/bystander")"
done
if [ -d /sys/module/kvm_pvm ]; then
	[ $reached = 10 ] || fail "the slot page was reached by $reached of 10 kinds only: nothing was tested in the others"
else
	[ $reached -gt 0 ] || fail "the slot page was not reached by kind 9 either"
	echo "this KVM keeps the slot page from user code: reached by $reached of 10 kinds"
fi
recouple "$bystander"
finish "$bystander" bystander
start after "$programs/stress_threads" -t 2
attach "$started" --all
recouple "$started"
finish "$started" after
