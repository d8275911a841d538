#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 240
# git: a history with fixed dates, packed and checked; each git alone decoupled, and the whole script with --follow.
. selftests/apps/lib.sh
need git git
compare whole --follow -- bash "$programs/history.sh"
attached whole --follow -- bash "$programs/history.sh"
reference=$work/whole.native.out

# Here the script runs natively, and each of its git commands is decoupled.
mkdir -p "$work/each"
[ -n "$native_only" ] || export GIT="$decouple run --reflector $reflector -- git"
reason=
(cd "$work/each" && timeout -k 5 90 bash "$programs/history.sh" >"$work/each.out" 2>"$work/each.err") || reason="status $?"
unset GIT
[ -n "$reason" ] || cmp -s "$work/each.out" "$reference" || reason="output differs"
verdict "each command" "$reason"
[ -z "$reason" ] || tail -n 8 "$work/each.err"
git -C "$work/each/repository" fsck --full >/dev/null 2>&1 || verdict fsck "a native git finds the repository broken"
finish "git gives what it gives natively"
