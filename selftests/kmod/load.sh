#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The module unloads and loads again, twenty times, each time with its device and its directory; an open device holds it.
set -u
module=${DECOUPLE_MODULE:-}
version=${TEST_BUILD:-build/selftests}/kmod/version
[ "$module" ] || {
	echo "DECOUPLE_MODULE doesn't name decouple.ko: run this in the VM (make selftest GROUP=kmod)"
	exit 4
}

fail() {
	echo "$*"
	exit 1
}

loaded() {
	[ -c /dev/decouple ] || fail "round $round: no /dev/decouple"
	"$version" >/tmp/version || fail "round $round: $(cat /tmp/version)"
	[ "$(cat /sys/module/decouple/refcnt)" = 0 ] || fail "round $round: $(cat /sys/module/decouple/refcnt) references"
}

round=0
[ "$(modinfo -F version "$module")" = "$(cat /sys/kernel/decouple/version)" ] || fail "modinfo and sysfs tell different versions"
[ "$(modinfo -F license "$module")" = GPL ] || fail "the module's license isn't GPL: it can't have the symbols that it needs"
loaded
exec 3</dev/decouple
rmmod decouple 2>/dev/null && fail "unloaded while the device is open"
exec 3<&-
for round in $(seq 20); do
	rmmod decouple || fail "round $round: rmmod fails"
	for left in /dev/decouple /sys/kernel/decouple /sys/module/decouple; do
		[ ! -e $left ] || fail "round $round: $left stays behind"
	done
	insmod "$module" || fail "round $round: insmod fails"
	loaded
done
insmod "$module" 2>/dev/null && fail "loaded twice"
loaded
echo "$round rounds, $(cat /tmp/version)"
