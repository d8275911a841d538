#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 180
# C and C++ are as clang-format with our .clang-format leaves them. format.sh FILE...: only these.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=selftests/style/files.bash
. selftests/style/files.bash
need clang-format clang-format
version=$(clang-format --version | grep -o '[0-9]*' | head -n 1)
[ "$version" -ge 14 ] || skip "clang-format $version is too old: 14 or newer is needed"
if [ $# -gt 0 ]; then
	files=("$@")
else
	mapfile -t files < <(sources '*.c' '*.h' '*.cc')
fi
if ! output=$(clang-format --dry-run -Werror "${files[@]}" 2>&1); then
	echo "$output" | head -n 40
	echo "$output" | sed -n 's/^\([^:]*\):[0-9]*:[0-9]*: error.*/\1/p' | sort | uniq -c
	echo "format with: clang-format -i FILE"
	exit 1
fi
echo "${#files[@]} files are formatted"
