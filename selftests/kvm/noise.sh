#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 120
# `decouple noise`: the shape of its JSON, budgets kept and exceeded, a planted disturbance seen and attributed, loads that stay off the
# measured core and end with it, and what it refuses. How large its figures are is no test's matter.
# shellcheck source=selftests/lib/target.sh
. "$(dirname "$0")/../lib/target.sh"
command -v python3 >/dev/null || {
	echo "python3 is not installed: apt-get install python3"
	exit 4
}
[ "$(nproc)" -ge 2 ] || {
	echo "noise needs two cores"
	exit 4
}
tiny=(noise --reflector "$reflector" --samples 400 --duration 60ms --rounds 2)
core=$(($(nproc --all) - 1))

# measures STATUS ARGUMENT...: JSON into $dir/json
measures() {
	local wanted=$1 status
	shift
	timeout $((60 * ${TIMEOUT_SCALE:-1})) "$decouple" "${tiny[@]}" --json "$@" >"$dir/json" 2>"$dir/message"
	status=$?
	[ $status = "$wanted" ] || bad "$*: status $status instead of $wanted: $(tail -n 3 "$dir/message") $(head -c 500 "$dir/json")"
}

# holds PYTHON...: each is true of r, the JSON
holds() {
	local expression
	for expression; do
		python3 - "$dir/json" "$expression" <<-'END' || bad "not true: $expression: $(head -c 600 "$dir/json")"
			import json, sys
			r = json.load(open(sys.argv[1]))
			rows = {row["name"]: row for row in r["rows"]}
			sys.exit(0 if eval(sys.argv[2]) else 1)
		END
	done
}

case_name=shape
measures 0
holds 'list(r)[:4] == ["bench", "unit", "host", "options"] and r["bench"] == "noise" and r["unit"] == "ns"' \
	'list(rows) == [t + "_" + v for t in ("fwq", "ftq", "gaps") for v in ("native", "decoupled")] or r["host"]["isolation"]["reserved"]' \
	'all(row["min"] <= row["p50"] <= row["p99"] <= row["p999"] <= row["p9999"] <= row["max"] for row in rows.values())' \
	'all(rows[t + "_" + v]["n"] == 400 for t in ("fwq", "ftq") for v in ("native", "decoupled"))' \
	'all(row["measured"] >= 3e7 for row in rows.values())' \
	'all(rows["fwq_" + v]["min"] + 0.1 >= r["floor"]["fwq"] > 0 for v in ("native", "decoupled"))' \
	'all("gaps_per_minute" in rows["gaps_" + v] for v in ("native", "decoupled"))' \
	'all(sum(b[2] for b in r["histograms"][name]) == row["n"] for name, row in rows.items())' \
	'all(b[0] < b[1] and b[2] > 0 for h in r["histograms"].values() for b in h)' \
	'all(k in r["host"] for k in ("cpu", "kernel", "command_line", "kvm", "cores", "isolation", "tsc_mhz"))' \
	'all(k in r["host"]["isolation"] for k in ("reserved", "nohz_full", "rcu_nocbs", "isolated", "hush", "governor"))' \
	'r["host"]["cores"]["decoupled"] not in r["host"]["cores"]["service"]' \
	'r["variants"]["decoupled"]["exits"] >= 0 and r["verdict"] is None' \
	'r["options"]["steps"] > 1000 and r["options"]["calibrated_on"] == "decoupled"' \
	'r["host"]["isolation"]["reserved"] or any("no core is reserved" in n for n in r["notes"])' \
	'any("SMI" in n for n in r["notes"]) == (r["variants"]["native"]["smi"] is None)'
measures 0 --test gaps --core 0
holds 'all(row["test"] == "gaps" for row in r["rows"])' 'r["host"]["cores"]["plain"] == 0'

case_name=table
timeout $((60 * ${TIMEOUT_SCALE:-1})) "$decouple" "${tiny[@]}" >"$dir/out" 2>&1 || bad "status $?: $(cat "$dir/out")"
for line in "^native .*[0-9]" "^decoupled .*[0-9]" "^hardware floor" "gaps/min" "^causes"; do
	grep -q "$line" "$dir/out" || bad "no line $line: $(cat "$dir/out")"
done

case_name=budget
measures 0 --budget p99.99=1000s,max=1000s,gaps=100000000000/min
holds 'r["verdict"]["pass"] and r["verdict"]["violations"] == [] and r["verdict"]["variant"] == "decoupled"'
measures 1 --budget p50=0ns,max=0ns,gaps=0/min,variant=native --threshold 20ns
holds 'not r["verdict"]["pass"] and {v["test"] for v in r["verdict"]["violations"]} >= {"fwq"}' \
	'all(v["measured"] > v["bound"] == 0 and v["cause"] for v in r["verdict"]["violations"])'

# judges STATUS BUDGET WORD: on a terminal
judges() {
	local status
	timeout $((60 * ${TIMEOUT_SCALE:-1})) "$decouple" "${tiny[@]}" --test fwq --budget "$2" >"$dir/out" 2>&1
	status=$?
	[ $status = "$1" ] || bad "table, $2: status $status"
	grep -q "budget $2, decoupled: $3" "$dir/out" || bad "table, $2: $(tail -n 3 "$dir/out")"
}
judges 1 max=0ns VIOLATED
judges 0 max=1000s kept

# One that computes on the measured core for 60 ms at a time, above all others, and writes down when: that must be seen, and at those times.
case_name="planted disturbance"
: >"$dir/events"
python3 - "$core" "$dir/events" <<'END' &
import json, os, sys, time
core = int(sys.argv[1])
os.sched_setaffinity(0, {core})
os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50))
with open(sys.argv[2], "w") as out:
    for _ in range(600):
        begin = now = time.monotonic_ns()
        while now < begin + 60_000_000:
            now = time.monotonic_ns()
        print(json.dumps({"time_ns": begin, "duration_ns": now - begin, "core": core, "cause": "hog"}), file=out, flush=True)
        time.sleep(0.1)
END
hog=$!
started+=("$hog")
tiny=(noise --reflector "$reflector" --samples 4000 --duration 400ms --rounds 2)
measures 1 --core "$core" --test fwq,gaps --causes "$dir/events" --budget max=50ms
holds 'all(row["max"] > 5e7 for row in r["rows"] if row["core"] == '"$core"')'
if ! grep -q '"reserved":null' "$dir/json"; then
	echo "planted disturbance: decoupled ran on a reserved core, attribution not tested"
else
	holds 'all(sum(b[2] for b in h if b[0] > 5e7) >= 1 for h in r["histograms"].values())' \
		'{v["test"] for v in r["verdict"]["violations"]} == {"fwq", "gaps"}' \
		'all(v["cause"].startswith("hog ") for v in r["verdict"]["violations"])' \
		'r["causes"][0]["cause"] == "hog" and r["causes"][0]["n"] >= 4 and r["causes"][0]["max"] >= 6e7'
fi
kill -KILL "$hog"
wait "$hog" 2>/dev/null
tiny=(noise --reflector "$reflector" --samples 400 --duration 60ms --rounds 2)

# children PID: of a process
children() {
	grep -ls "^PPid:.$1\$" /proc/[0-9]*/status | cut -d/ -f3
}

case_name=load
loads=ipc,cache
if [ "$(cat /sys/class/net/lo/operstate 2>/dev/null)" = unknown ]; then
	loads+=,net
else
	echo "load net: the loopback interface is down, only its refusal is tested"
	refused 1 "load net.*ip link set lo up" "${tiny[@]}" --load net
fi
measures 0 --load "$loads"
holds "','.join(r['loads']) == '$loads' and all(n > 0 for n in r['loads'].values())"
"$decouple" noise --reflector "$reflector" --load "$loads" --duration 1000s --test gaps --rounds 1 >"$dir/out" 2>&1 &
pid=$!
started+=("$pid")
# Two workers, and the loads. A busy machine takes its time for an attach.
members=$((2 + $(tr -cd , <<<"$loads" | wc -c) + 1)) family=()
for ((try = 0; try < 300 && ${#family[@]} < members; try++)); do
	mapfile -t family < <(children "$pid")
	pause 0.1
done
[ ${#family[@]} -ge $members ] || bad "only ${#family[@]} of $members children; $(grep State "/proc/$pid/status"): $(cat "$dir/out")"
measured=0
for child in "${family[@]}"; do
	for task in /proc/"$child"/task/*; do
		case $(sed -n 's/^Cpus_allowed_list:.//p' "$task/status" 2>/dev/null) in
		"$core") measured=$((measured + 1)) ;;
		*"$core"* | *-*) bad "a thread of process $child may run on core $core: $(grep Name "$task/status")" ;;
		esac
	done
done
# The native worker, and the vCPU thread (that of the module may have KVM's workers beside it).
[ $measured -ge 2 ] || bad "only $measured threads on the measured core"
kill -KILL "$pid"
wait "$pid" 2>/dev/null
status=$?
[ $status = 137 ] || bad "it ended by itself, status $status: $(cat "$dir/out")"
for ((try = 0; try < 100; try++)); do
	left=()
	for child in "${family[@]}"; do
		[ -d "/proc/$child" ] && ! grep -qs '^State:.Z' "/proc/$child/status" && left+=("$child")
	done
	[ ${#left[@]} = 0 ] && break
	pause 0.1
done
[ ${#left[@]} = 0 ] || bad "killed, but of its processes are left: ${left[*]}"

case_name=refused
while IFS='|' read -r pattern arguments; do
	# shellcheck disable=SC2086
	refused 2 "$pattern" noise $arguments
done <<'END'
--quantum 5: give a time|--quantum 5
--quantum 2s: between|--quantum 2s
--threshold 10ns: between|--threshold 10ns
--duration -1s|--duration -1s
no test|--test fwq,all
given twice|--test fwq,fwq
no load|--load cpu
given twice|--load ipc,ipc
not among the allowed|--core 8000
not reserved|--reserved 8000
not among the allowed|--churn 8000
--samples|--samples 1
--rounds|--rounds 0
--reflector|--reflector magic
limits have a bound|--budget max
judged by the test gaps|--budget gaps=1/min --test fwq
exclude each other|--no-why --causes /dev/null
no core is reserved|--budget max=1us,variant=reserved
not expected|surplus
END
refused 1 "cannot write /no/such/place" noise --html /no/such/place.html
refused 1 "cannot read /no/such/place" noise --causes /no/such/place.json
echo '{"half": ' >"$dir/broken"
measures 0 --causes "$dir/broken"
holds 'any("JSON" in n for n in r["notes"]) and r["causes"] is None'
if [ "$reflector" = signal ] && [ ! -e /dev/decouple ]; then
	refused 4 "kmod-decouple is not loaded" noise --reflector module --samples 10 --test fwq --rounds 1
fi
if [ "$(nproc)" = 2 ]; then
	refused 4 "besides that of --churn" noise --churn 0
fi
as=(taskset -c 0)
refused 4 "widen the affinity" noise
as=(env)

exit $failed
