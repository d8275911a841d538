#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 240
# node: V8's JIT and its SIGSEGV handler for wasm, worker threads, children, timers and sockets.
. selftests/apps/lib.sh
need node nodejs
for part in workers children timers wasm; do
	compare $part -- node "$programs/node.js" $part
done
watched jit -- node "$programs/node.js" jit
for part in jit workers children; do
	compare ${part}_follow --follow -- node "$programs/node.js" $part
done
for part in jit workers children timers wasm; do
	attached $part -- node "$programs/node.js" $part
done
attached workers_all --all --follow -- node "$programs/node.js" workers
finish "node gives what it gives natively"
