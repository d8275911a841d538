#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 60
# Root decouples a process by writing its number to `attach` in sysfs, by the number that it has in his own pid namespace; nobody else does,
# and what is no process, or a program that fails, is an error.
set -u
here=$(cd "$(dirname "$0")" && pwd)
decouple=${DECOUPLE:-$here/../../build/decouple}
build=${TEST_BUILD:-$here/../../build/selftests}/kvm
attach=/sys/kernel/decouple/attach
parameter=/sys/module/decouple/parameters/controller
dir=$(mktemp -d)
pid=
trap '[ ! "$pid" ] || kill -KILL "$pid"; rm -rf "$dir"' EXIT
[ -e /dev/decouple ] || {
	echo "no /dev/decouple: the module is not loaded"
	exit 4
}
bad=0

# PATTERN TEXT [COMMAND...]: writing TEXT fails with that message.
refused() {
	local pattern=$1 text=$2
	shift 2
	# shellcheck disable=SC2016 # expanded by the inner shell
	if "$@" bash -c 'echo "$1" >"$2"' sh "$text" "$attach" 2>"$dir/message"; then
		echo "'$text' was taken${1:+ from $*}"
		bad=1
	elif ! grep -q "$pattern" "$dir/message"; then
		echo "'$text'${1:+ from $*}: not \`$pattern\` but: $(cat "$dir/message")"
		bad=1
	fi
}

state() {
	timeout 10 "$decouple" status --json "$pid" 2>/dev/null | jq -r '.threads[0].state + " " + .threads[0].reflector'
}

: >"$dir/count"
"$build/target" plain "$dir/count" >/dev/null 2>&1 </dev/null &
pid=$!

refused "Invalid argument" ""
refused "Invalid argument" 0
refused "Invalid argument" -1
refused "Invalid argument" "$pid x"
refused "No such process" 4000000
refused "Permission denied\|Operation not permitted" "$pid" setpriv --reuid 65534 --regid 65534 --clear-groups
refused "Operation not permitted" "$pid" setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin --
echo /nowhere/decouple >$parameter
refused "No such file" "$pid"
echo /bin/false >$parameter
refused "Input/output error\|No such file" "$pid"
echo /usr/local/bin/decouple >$parameter
[ "$(state)" != "decoupled module" ] || {
	echo "it is decoupled already"
	bad=1
}
echo "$pid" >$attach || bad=1
[ "$(state)" = "decoupled module" ] || {
	echo "after writing to $attach: $(state)"
	bad=1
}
refused "Input/output error" "$pid"
timeout 20 "$decouple" recouple "$pid" >"$dir/message" || {
	cat "$dir/message"
	bad=1
}
exit $bad
