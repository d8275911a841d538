#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 180
# Core utilities on pipes and files, with one tool of a pipe decoupled.
. selftests/apps/lib.sh
need sort coreutils awk mawk
lines=$work/lines
awk 'BEGIN { x = 42; for (i = 0; i < 150000; i++) { x = (x * 1103515245 + 12345) % 2147483648; print x % 40000, i % 97 } }' >"$lines"
input=$lines

compare sort -- sort
compare sort_numeric -- sort -k 2n -k 1n
compare sort_parallel --follow -- sort --parallel=2 -S 1M
compare uniq -- uniq -c
compare md5sum -- md5sum
compare sha256sum -- sha256sum "$lines"
compare wc -- wc
compare tr -- tr 0-9 a-j
compare cut -- cut -d ' ' -f 2
compare base64 -- base64 -w 100
compare od -- od -A d -t x2
compare tac -- tac
compare shuf -- shuf --random-source="$lines"
compare split -- split -l 20000 - part.
compare head -- head -c 100000
compare dd -- dd bs=4k status=none conv=swab
compare ls -- ls -lR --time-style=+ /usr/include/linux
compare seq -- seq 1 3 300000
compare factor -- factor 18446744073709551557 600851475143 1000000007000000063
compare env -- env -i A=1 B=2 env
compare false -- false
compare sleep -- sleep 0.3
# shellcheck disable=SC2016 # awk's own variables
compare awk -- awk '{ s[$2] += $1 } END { for (i = 0; i < 97; i++) print i, s[i] }'
compare grep -- grep -c 17
compare sed -- sed -n 's/^\(.\)\(.*\) 5$/\2\1/p'
compare gzip -- gzip -9 -n -c
compare xz -- xz -T2 -c

# The tool in the middle, decoupled; the others natively.
middle() {
	local name=$1 native other
	shift
	native=$(sort "$lines" | "$@" | md5sum)
	if [ -n "$native_only" ]; then
		other=$(sort "$lines" | timeout -k 5 "$limit" "$@" | md5sum)
	else
		other=$(sort "$lines" | timeout -k 5 "$limit" "$decouple" run --reflector "$reflector" -- "$@" 2>"$work/$name.err" |
			md5sum)
	fi
	if [ "$native" = "$other" ]; then
		verdict "$name" ""
	else
		verdict "$name" "sum at the end of the pipe differs: $(head -n 1 "$work/$name.err")"
	fi
}
middle middle_uniq uniq -c
middle middle_cat cat
middle middle_tee tee "$work/tee"
middle middle_sort sort -u

# Attached while it reads from a pipe that isn't full yet, and while it computes.
fifo=$work/fifo
mkfifo "$fifo"
exec 7<>"$fifo"
sort <"$fifo" >"$work/fifo.out" 7>&- &
pid=$!
{
	head -n 50000 "$lines"
	touch "$work/half"
	until [ -e "$work/go" ]; do sleep 0.02; done
	tail -n +50001 "$lines"
} >"$fifo" 7>&- &
exec 7>&-
until [ -e "$work/half" ]; do sleep 0.02; done
reason=
if [ -z "$native_only" ]; then
	timeout -k 5 30 "$decouple" $pid --reflector "$reflector" >"$work/attach" 2>&1 ||
		reason="decouple $pid failed: $(tail -n 1 "$work/attach")"
fi
touch "$work/go"
ended $pid || reason=${reason:-"status $?"}
[ -n "$reason" ] || cmp -s "$work/fifo.out" "$work/sort.native.out" || reason="output differs"
verdict "sort on a pipe, attached" "$reason"
finish "core utilities give what they give natively"
