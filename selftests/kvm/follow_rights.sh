#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 60
# Under --follow of an ordinary user a program with more rights than his gets them, and runs natively; others are decoupled.
# shellcheck source=selftests/lib/target.sh
. "$(dirname "$0")/../lib/target.sh"
case_name=rights
program=$dir/plain
cp "$build/follow_rights" "$program"
for kind in setuid setgid capable; do
	cp "$program" "$dir/$kind"
done
chmod 755 "$program" "$dir/capable"
chmod 4755 "$dir/setuid"
chmod 2755 "$dir/setgid"
if ! mknod -m 666 "$dir/kvm" c 10 232 || ! : <"$dir/kvm"; then
	echo "no device files in $dir (mounted nodev?)"
	exit 4
fi
user=(setpriv --reuid 65534 --regid 65534 --clear-groups)
# Only here /dev/kvm is everybody's.
# shellcheck disable=SC2016 # the inner shell's
as_user() {
	timeout 50 unshare -m sh -c 'mount --bind "$1" /dev/kvm && shift && exec "$@"' sh "$dir/kvm" "${user[@]}" "$@" 2>"$dir/err"
}
programs=("$program" "$dir/setuid" "$dir/setgid")
if setcap cap_net_raw+ep "$dir/capable" 2>/dev/null; then
	programs+=("$dir/capable")
else
	echo "file capabilities: no setcap here, not tested"
fi
# What it says of itself, but for the last word.
as_user "$program" "${programs[@]}" | sed 's/, [a-z]*$//' >"$dir/native"
grep -q 'euid 0' "$dir/native" || {
	echo "set-user-ID programs have no effect in $dir (mounted nosuid?)"
	exit 4
}
as_user "$decouple" run --follow --reflector signal -- "$program" "${programs[@]}" >"$dir/followed" || bad "status $?: $(cat "$dir/err")"
sed 's/, [a-z]*$//' "$dir/followed" | diff -u "$dir/native" - || bad "not as natively: $(cat "$dir/followed")"
[ "$(sed -n '1,2s/.*, //p' "$dir/followed" | uniq)" = decoupled ] || bad "a plain program: $(head -n 2 "$dir/followed")"
[ "$(sed -n '3,$s/.*, //p' "$dir/followed" | uniq)" = native ] || bad "programs with rights: $(cat "$dir/followed")"

exit $failed
