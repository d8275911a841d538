#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 300
# A Go program: goroutines, preemption by signals, garbage collection, panics by SIGSEGV, the network poller, children.
. selftests/apps/lib.sh
need go golang-go
CGO_ENABLED=0 GO111MODULE=off GOCACHE=$PWD/build/selftests/go-cache GOTOOLCHAIN=local \
	timeout 200 go build -o "$work/runtime" "$programs/runtime.go" || {
	echo "runtime.go doesn't compile"
	exit 1
}
for part in schedule garbage faults network children; do
	compare $part -- "$work/runtime" $part
	compare ${part}_follow --follow -- "$work/runtime" $part
done
# The runtime has handlers for all signals, the reserved one too: with the signal reflector a program that runs already is refused,
# and one that is started decoupled runs natively from there on.
[ "$reflector" != signal ] || refusal="signal 64"
for part in schedule garbage faults network children; do
	attached $part --all -- "$work/runtime" $part
done
finish "a Go program gives what it gives natively"
