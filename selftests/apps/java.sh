#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 300
# A JVM: null pointers by SIGSEGV, stack overflows, garbage collection (safepoints), threads.
# The java launcher runs main() in a thread of its own, so without --follow or --all only a waiting thread is decoupled.
. selftests/apps/lib.sh
need java openjdk-17-jre-headless javac openjdk-17-jdk-headless
javac -d "$work/classes" "$programs/Torture.java" || {
	echo "Torture.java doesn't compile"
	exit 1
}
jvm=(java -Xmx256m -Xshare:auto -cp "$work/classes" Torture)
compare launcher -- "${jvm[@]}" threads
for part in faults overflow threads; do
	compare $part --follow -- "${jvm[@]}" $part
done
watched garbage --follow -- "${jvm[@]}" garbage
for part in faults overflow garbage threads; do
	attached $part --all -- "${jvm[@]}" $part
done
attached threads_follow --all --follow -- "${jvm[@]}" threads
finish "the JVM gives what it gives natively"
