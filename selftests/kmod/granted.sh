#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 120
# A user without capabilities decouples his own process by the module on cores that are granted to him, and on no others; the message of
# a refusal names the core and the remedy, and the remedy works as it stands.
set -u
here=$(cd "$(dirname "$0")" && pwd)
tool=${DECOUPLE:-$here/../../build/decouple}
build=${TEST_BUILD:-$here/../../build/selftests}/kvm
cores=/sys/kernel/decouple/cores
user=54321 group=12345
dir=$(mktemp -d)
pid=
# shellcheck disable=SC2317 # run by the trap
cleanup() {
	[ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null
	echo "$user:" >$cores
	chgrp 0 /dev/decouple
	chmod "$kvm_mode" /dev/kvm
	rm -rf "$dir"
}
[ -e /dev/decouple ] || {
	echo "no /dev/decouple: the module is not loaded"
	exit 4
}
[ "$(id -u)" = 0 ] || {
	echo "only root can be somebody else"
	exit 4
}
kvm_mode=$(stat -c %a /dev/kvm)
trap cleanup EXIT

fail() {
	echo "$*"
	exit 1
}

as_user=(setpriv --reuid "$user" --regid "$user" --groups "$group")

# expect CODE PATTERN ARGUMENT...
expect() {
	local code=$1 pattern=$2 status
	shift 2
	"${as_user[@]}" timeout 20 "$dir/decouple" "$@" >"$dir/message" 2>&1
	status=$?
	[ $status = "$code" ] || fail "$*: exit code $status instead of $code: $(cat "$dir/message")"
	grep -qE -- "$pattern" "$dir/message" || fail "$*: the message doesn't match \`$pattern\`: $(cat "$dir/message")"
}

chmod 755 "$dir"
cp "$tool" "$dir/decouple"
cp "$build/target" "$dir/target"
: >"$dir/count"
chmod 666 "$dir/count" /dev/kvm
"${as_user[@]}" "$dir/target" plain "$dir/count" >"$dir/out" 2>&1 </dev/null &
pid=$!
for ((try = 0; try < 400; try++)); do
	[ -s "$dir/count" ] && break
	sleep 0.05
done

expect 4 "not permitted to open /dev/decouple" --reflector module "$pid"
chgrp $group /dev/decouple
expect 4 "no core is granted to uid $user: .*echo '$user:LIST' > $cores" --reflector module "$pid"
expect 0 "signal .*no core is granted" probe
echo "$user:0" >$cores
expect 1 "core 1 is not granted to uid $user: .*echo '$user:0,1' > $cores" --reflector module --cores 1 "$pid"
expect 1 "core 1 is not granted" --reflector module --cores 0-1 "$pid"
[ ! -e "/sys/kernel/decouple/$pid" ] || fail "decoupled in spite of the refusal"

# What the message says is what helps.
remedy=$(sed -n "s/.*for: \(echo '[^']*' > [^, ]*\).*/\1/p" "$dir/message" | head -n 1)
[ "$remedy" = "echo '$user:0,1' > $cores" ] || fail "the remedy is \`$remedy\`"
eval "$remedy" || fail "\`$remedy\` fails"
expect 0 . --reflector module --cores 1 "$pid"
[ "$(cat "/sys/kernel/decouple/$pid/core")" = 1 ] || fail "not on core 1"
expect 0 . recouple "$pid"

# Chosen for him, it is one of his; and by a group.
echo "$user:" >$cores
echo "@$group:0" >$cores
taskset -cp 0 "$pid" >/dev/null # where it runs now makes no difference
expect 0 . --reflector module "$pid"
[ "$(cat "/sys/kernel/decouple/$pid/core")" = 0 ] || fail "core $(cat "/sys/kernel/decouple/$pid/core") was chosen, 0 is granted"
expect 0 . recouple "$pid"
echo "@$group:" >$cores

kill -TERM "$pid"
wait "$pid" || fail "the target ended with status $?"
pid=
[ "$(cat "$dir/out")" = right ] || fail "the target's result: $(cat "$dir/out")"
echo "granted cores are used, others are refused"
