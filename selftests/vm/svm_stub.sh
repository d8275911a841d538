#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 300
# The stub on SVM: in the VM with Debian's 6.1, programs give decoupled what they give natively, and the probe finds SVM.
set -u
here=$(dirname "$0")
build=build/selftests/vm
decouple=$(realpath -m "${DECOUPLE:-build/decouple}")
[ -x "$decouple" ] || {
	echo "$decouple is missing: run make first"
	exit 1
}
mkdir -p "$build"
${CC:-gcc} -O2 -Wall -Wextra -Werror -o "$build/sample" "$here/sample.c" -lm || {
	echo "sample.c doesn't compile"
	exit 1
}
exec "$here/boot.sh" KERNEL=6.1 TIMEOUT=220 -- "$here/inside/svm_stub.sh" "$decouple"
