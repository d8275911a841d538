# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What the tests of the group ib share: Debian's unmodified rdma-core and perftest on the model of an HCA. Sourced.
#
#   preload NAME           path of a front end in build/
#   use_verbs              the verbs front end for what follows, on a fabric of this test's own
#   on_model COMMAND...    runs a program with a verbs device
#   pair NAME COMMAND...   runs COMMAND as a server and `COMMAND 127.0.0.1` as its client: both must succeed
#   verdict NAME TEXT      a failure
#   finish                 exit code and last line
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
# shellcheck source=selftests/style/files.bash
. selftests/style/files.bash
tree=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
limit=$((60 * ${TIMEOUT_SCALE:-1}))
passed=0 failed=() verbs=

preload() {
	[ -e "build/$1" ] || skip "build/$1 is not built: run make"
	echo "$tree/build/$1"
}

use_verbs() {
	need ss iproute2
	verbs=$(preload verbs.so) || {
		echo "$verbs"
		exit 4
	}
	# The directory is where the front end puts what stands for /sys.
	export TMPDIR=$work HCA_FABRIC=test-$$
}

verdict() {
	echo "$1: $2"
	failed+=("$1")
}

on_model() {
	timeout "$limit" env LD_PRELOAD="$verbs" "$@"
}

# A TCP port for each pair: what the programs exchange first. Another process may have it; then others do.
next_port=$((20000 + $$ % 20000))

pair() {
	local name=$1 server_pid server client tries
	shift
	for ((tries = 0; tries < 3; tries++)); do
		next_port=$((next_port + 1))
		on_model "$@" -p $next_port >"$work/server" 2>&1 &
		server_pid=$!
		# Listens soon, which is nowhere to be seen but in the system's table.
		for ((i = 0; i < 200; i++)); do
			ss -Hltn "sport = :$next_port" | grep -q . && break
			kill -0 $server_pid 2>/dev/null || break
			sleep 0.05
		done
		on_model "$@" -p $next_port 127.0.0.1 >"$work/client" 2>&1
		client=$?
		wait $server_pid
		server=$?
		[ $server = 0 ] && [ $client = 0 ] && break
		grep -qiE 'in use|listen' "$work/server" || break
	done
	if [ $server = 0 ] && [ $client = 0 ]; then
		passed=$((passed + 1))
		return
	fi
	verdict "$name" "server $server, client $client: $*"
	tail -n 8 "$work/server" "$work/client"
}

finish() {
	if [ ${#failed[@]} -gt 0 ]; then
		echo "failed: ${failed[*]}"
		exit 1
	fi
	echo "$passed pairs of programs understood each other"
}
