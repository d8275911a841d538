#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 180
# What scripts depend on: the names in the JSON of each command, the exit status of `decouple run`, the chart, what TAB completes.
# shellcheck source=selftests/lib/target.sh
. "$(dirname "$0")/../lib/target.sh"
root=$(realpath "$here/../..")
decouple=$(realpath "$decouple")
command -v jq >/dev/null || {
	echo "jq is not installed: apt-get install jq"
	exit 4
}

# ask FILTER ARGUMENT...: the command succeeds, and jq's filter on what it prints is true
ask() {
	local filter=$1
	shift
	timeout 60 "$decouple" "$@" >"$dir/json" 2>"$dir/message" || bad "$*: status $?: $(cat "$dir/message" "$dir/json")"
	[ "$(jq -s "$filter" "$dir/json" 2>&1)" = true ] || bad "$*: not true: $filter: $(head -c 1000 "$dir/json")"
}
numbers='[.pid, .tid, .core, .syscalls, .exits | type] | unique == ["number"]'

case_name="status, nothing decoupled"
start plain
ask '.[0] == {"threads": []}' status --json "$pid"

case_name="attach"
ask '(.[0] | keys_unsorted) == ["pid", "tids", "stopped_ns", "total_ns"]' --json --reflector "$reflector" "$pid"
ask ".[0].threads[0].pid == $pid" status --json "$pid"
[ "$(jq -c '.tids' <"$dir/json")" = null ] || bad "the outputs are mixed up"

case_name=status
ask '[.[0].threads[0] | keys_unsorted[]] == ["pid", "tid", "core", "state", "reflector", "syscalls", "exits"]' status --json "$pid"
ask ".[0].threads[0] | $numbers" status --json "$pid"
ask ".[0].threads | length == 1 and .[0].tid == $pid and .[0].state == \"decoupled\" and .[0].reflector == \"$reflector\"" \
	status --json "$pid"
ask ".[0].threads | any(.pid == $pid)" status --json
ask '.[0].threads[0] | .reason == "" and .captures >= 1 and .vcpu_tid > 0 and .command == "target"' status --json --verbose "$pid"
before=$(jq '.threads[0].syscalls' "$dir/json")
counts
pause 0.3
ask ".[0].threads[0].syscalls > $before" status --json "$pid"
refused 0 "^ +PID +TID +CORE +STATE +REFLECTOR +SYSCALLS +EXITS +COMMAND" status "$pid"
refused 0 "service core [0-9]+, vCPU thread [0-9]+, captures" status -v "$pid"
refused 1 "no process 4194299" status 4194299

case_name=top
ask ".[0].interval_s > 0.1 and (.[0].threads | any(.pid == $pid and .syscalls_per_s > 0 and .exits_per_s >= 0))" \
	top --once --json --interval 0.3
ask 'length == 2' top --iterations 2 --interval 0.2 --json
refused 0 "SYSCALLS/s +EXITS/s +KVM-EXITS/s +SIGNALS/s +FAULTS/s" top --once --interval 0.2
{
	pause 1.5
	printf q
} | timeout 20 script -qec "$decouple top --interval 0.5" /dev/null >"$dir/screen" || bad "on a terminal: status $? after q"
grep -q "$pid .*decoupled .*target" "$dir/screen" || bad "on a terminal: $(head -c 500 "$dir/screen")"

case_name=why
if [ -e /dev/decouple ]; then
	refused 2 "excludes" why --duration 1 --follow "$pid"
else
	refused 4 "kmod-decouple is not loaded, and only it sees what disturbs a core" why
	refused 4 "kmod-decouple is not loaded" why --json "$pid"
fi

case_name=probe
ask '.[0] | .available == true and .kvm.permitted == true and .reflectors.signal == true and .reserved_signal == 64 and
	(.kvm.kind | IN("pvm", "svm", "vmx", "unknown")) and (.kvm.capabilities | all(.required == false or .value > 0))' probe --json
ask ".[0].target == {\"pid\": $pid, \"ok\": true, \"reason\": \"\"}" probe --json "$pid"
refused 1 "target.*no process 4194299" probe 4194299
refused 0 "verdict +threads can be decoupled here" probe

case_name=recouple
ask ".[0] == {\"pid\": $pid, \"recoupled\": [$pid]}" recouple --json "$pid"
ask '[.[0].threads[] | select(.state == "decoupled")] == []' status --json "$pid"
finish

case_name=bench
rows='["native","decoupled","sud","seccomp_notify_same","seccomp_notify_other","ptrace_same","ptrace_other"]'
# shellcheck disable=SC2016 # jq's variable
ordered='all([.min, .p50, .p99, .p999, .max] as $values | $values == ($values | sort) and .min > 0)'
if [ "$(nproc)" -ge 2 ]; then
	plot=()
	command -v gnuplot >/dev/null && plot=(--plot "$dir/chart's.svg")
	ask "(.[0] | keys_unsorted[:4]) == [\"bench\", \"unit\", \"host\", \"rows\"] and .[0].bench == \"syscall\" and .[0].unit == \"ns\" and
		(.[0].host | type) == \"object\" and [.[0].rows[].name] == $rows and (.[0].rows | $ordered) and
		([.[0].rows[] | keys_unsorted] | unique) == [[\"name\", \"n\", \"min\", \"p50\", \"p99\", \"p999\", \"max\"]] and
		([.[0].rows[].n] | unique) == [100]" bench syscall --json --samples 100 "${plot[@]}"
	if [ ${#plot[@]} = 0 ]; then
		echo "chart: gnuplot is not installed, not tested"
	else
		head -n 1 "${plot[1]}" | grep -q '^<?xml' || bad "the chart is no XML"
		grep -q '^</svg>' "${plot[1]}" || bad "the chart is no whole SVG"
		for row in $(jq -r '.[]' <<<"$rows"); do
			grep -q ">$row<" "${plot[1]}" || bad "the chart doesn't show $row"
		done
		refused 1 "no chart to /no/such/place.svg" bench syscall --samples 10 --plot /no/such/place.svg
	fi
	for name in recouple fault compute; do
		ask ".[0].bench == \"$name\" and .[0].unit == \"ns\" and (.[0].rows | length > 0 and $ordered)" \
			bench $name --json --samples 20
	done
	refused 0 "p50 +p99 +p99.9 +max" bench syscall --samples 10
else
	echo "bench: needs two cores, not tested"
fi
ask '[.[0].benches[].name] == ["syscall", "recouple", "fault", "attach", "reflector", "compute"]' bench --json

case_name="exit status of run"
run=(run --reflector "$reflector" --)

exits() { # STATUS PROGRAM...
	local wanted=$1 status
	shift
	timeout 20 "$decouple" "${run[@]}" "$@" >"$dir/message" 2>&1
	status=$?
	[ $status = "$wanted" ] || bad "$*: status $status instead of $wanted: $(cat "$dir/message")"
}
exits 0 true
exits 7 sh -c 'exit 7'
exits 255 sh -c 'exit 255'
# shellcheck disable=SC2016 # the shell's own pid
for signal in 1 6 9 15 34; do
	exits $((128 + signal)) sh -c "ulimit -c 0; kill -$signal \$\$"
done
refused 127 "no-such-program: No such file" "${run[@]}" no-such-program
refused 126 "/etc/passwd: Permission denied" "${run[@]}" /etc/passwd
[ "$(echo through | timeout 20 "$decouple" "${run[@]}" cat)" = through ] || bad "standard input doesn't reach the program"
for signal in TERM INT USR1 HUP; do
	env --default-signal "$decouple" "${run[@]}" sleep 60 &
	pid=$!
	started+=("$pid")
	for ((try = 0; try < 100; try++)); do
		timeout 10 "$decouple" status --json | jq -e '.threads | any(.command == "sleep")' >/dev/null && break
		pause 0.05
	done
	kill -$signal "$pid"
	wait "$pid" 2>/dev/null
	status=$?
	[ $status = $((128 + $(kill -l $signal))) ] || bad "SIG$signal passed on: status $status"
done 2>/dev/null

# completes "WORDS..." EXPECTED...: the last word is completed, and the expected ones are among the proposals
completes() {
	local words=$1 proposals word
	shift
	# shellcheck disable=SC2016
	proposals=$(timeout 20 bash -c '
		. "$1"
		IFS="|" read -ra COMP_WORDS <<<"$2"
		COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
		[ "${COMP_WORDS[COMP_CWORD]}" = - ] && COMP_WORDS[COMP_CWORD]=
		_decouple
		printf "%s\n" "${COMPREPLY[@]}"' bash "$root/userland/completion/decouple" "$words")
	for word; do
		grep -qxF -e "$word" <<<"$proposals" || bad "$words: \`$word\` is not among: $(tr '\n' ' ' <<<"$proposals")"
	done
}

# "-" stands for an empty last word.
case_name=completion
start threads
timeout 20 "$decouple" --reflector "$reflector" "$pid" >"$dir/message" 2>&1 || bad "attach failed: $(cat "$dir/message")"
tid=$(find "/proc/$pid/task" -mindepth 1 -maxdepth 1 -printf '%f\n' | tail -n 1)
completes "decouple|-" attach run recouple status top probe bench
completes "decouple|st" status
completes "decouple|${pid:0:1}" "$pid"
completes "decouple|$pid|--" --tid --all --cores --reflector --follow --json
completes "decouple|$pid|--tid|-" "$pid" "$tid"
completes "decouple|$pid|--reflector|-" auto module signal
completes "$decouple|recouple|-" "$pid"
completes "$decouple|status|-" "$pid"
completes "decouple|run|--" --all --best-effort --
completes "decouple|run|--|ech" echo
completes "decouple|bench|s" syscall
completes "decouple|bench|syscall|--p" --plot
finish

exit $failed
