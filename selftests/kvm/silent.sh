#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 90
# While a decoupled thread computes, nothing of ours disturbs its core: KVM_RUN does not return, every exit to KVM is for an interrupt of the
# host's (or for a page that Linux took away), nothing of the resident sleeps and wakes on a timer there, and the follower stays off.
# SOAK=1: for more than five minutes.
# shellcheck source=selftests/lib/target.sh
. "$(dirname "$0")/../lib/target.sh"
command -v jq >/dev/null || {
	echo "jq is not installed: apt-get install jq"
	exit 4
}
cores=$(nproc)
[ "$cores" -ge 2 ] || {
	echo "needs two cores"
	exit 4
}
core=$((cores - 1))
seconds=${SOAK:+330}
# A page of a file on a disk would be taken away to be written.
rm -rf "$dir"
dir=$(mktemp -d -p /dev/shm)
mkfifo "$dir/never"

# All interrupts of the core so far.
interrupts() {
	awk -v column=$((core + 2)) 'NR > 1 && NF >= column && $column ~ /^[0-9]+$/ { n += $column } END { printf "%d\n", n }' /proc/interrupts
}

# switches TID: how often it has slept
switches() {
	sed -n 's/^voluntary_ctxt_switches:[[:space:]]*//p' "/proc/$pid/task/$1/status"
}

status() {
	timeout 20 "$decouple" status --json --verbose "$pid" >"$1" || bad "status fails"
	[ "$(jq '.threads[0].kvm.exits // 0' "$1")" -gt 0 ] || bad "no KVM statistics: $(cat "$1")"
}

# grown NAME: in the window
grown() {
	jq -n --slurpfile a "$dir/begin" --slurpfile b "$dir/end" "(\$b[0].threads[0]$1 // 0) - (\$a[0].threads[0]$1 // 0)"
}

# may_run_there TID: may it run on the core?
may_run_there() {
	local range
	for range in $(sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' "/proc/$1/status" | tr ',' ' '); do
		[ "$core" -ge "${range%-*}" ] && [ "$core" -le "${range#*-}" ] && return 0
	done
	return 1
}

# window SECONDS: the target computes for some seconds; looks at what happened
window() {
	local vcpu manager vcpu_slept manager_slept figure at=$1 before after task
	pause 1
	vcpu=$(timeout 20 "$decouple" status --json --verbose "$pid" | jq '.threads[0].vcpu_tid')
	manager=$(grep -lx decouple "/proc/$pid/task"/*/comm | cut -d/ -f5)
	before=$(interrupts)
	status "$dir/begin"
	vcpu_slept=$(switches "$vcpu") manager_slept=$(switches "$manager")
	pause "$at"
	vcpu_slept=$(($(switches "$vcpu") - vcpu_slept)) manager_slept=$(($(switches "$manager") - manager_slept))
	status "$dir/end"
	after=$(interrupts)
	echo "$case_name: $at s: interrupts $((after - before)), exits $(grown .kvm.exits), irq_exits $(grown .kvm.irq_exits)," \
		"pf_taken $(grown .kvm.pf_taken), KVM_RUN returns $(grown .exits)"
	[ "$(grown .exits)" = 0 ] || bad "KVM_RUN returned $(grown .exits) times"
	for figure in signal_exits mmio_exits io_exits halt_exits irq_window_exits nmi_window_exits hypercalls irq_injections insn_emulation; do
		[ "$(grown .kvm.$figure)" = 0 ] || bad "$figure: $(grown .kvm.$figure)"
	done
	[ $(($(grown .kvm.exits) - $(grown .kvm.irq_exits))) -le $(($(grown .kvm.pf_taken) + $(grown .kvm.invlpg))) ] ||
		bad "exits that are not accounted for: $(grown .kvm) $(jq -c '.threads[0].kvm' "$dir/begin" "$dir/end")"
	[ "$(grown .kvm.irq_exits)" -le $((after - before)) ] ||
		bad "$(grown .kvm.irq_exits) exits for $((after - before)) interrupts of core $core"
	[ "$vcpu_slept" = 0 ] || bad "the vCPU thread slept $vcpu_slept times"
	[ "$manager_slept" -le 1 ] || bad "the manager woke $manager_slept times"
	for task in "$manager" "$pid"; do
		may_run_there "$task" && bad "$(cat "/proc/$task/comm") may run on core $core"
	done
}

case_name=attached
start silent
timeout 20 "$decouple" --reflector "$reflector" --cores "$core" "$pid" >"$dir/message" 2>&1 || bad "attach: $(cat "$dir/message")"
window "${seconds:-3}"
counts || bad "the target doesn't compute"
timeout 20 "$decouple" recouple "$pid" >"$dir/message" 2>&1 || bad "recouple: $(cat "$dir/message")"

followers() {
	grep -lx decouple-follow /proc/[0-9]*/comm 2>/dev/null | cut -d/ -f3 | sort
}

case_name="with --follow"
followers >"$dir/others"
timeout 20 "$decouple" --follow --reflector "$reflector" --cores "$core" "$pid" >"$dir/message" 2>&1 || bad "attach: $(cat "$dir/message")"
pause 1
window 2
follower=$(followers | comm -13 "$dir/others" -)
[ "$follower" ] || bad "there is no follower"
for task in $follower; do
	may_run_there "$task" && bad "the follower may run on core $core"
done
timeout 20 "$decouple" recouple "$pid" >"$dir/message" 2>&1 || bad "recouple: $(cat "$dir/message")"
finish

exit $failed
