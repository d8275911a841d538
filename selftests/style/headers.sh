#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Every header of include/ compiles alone: as C11, as freestanding C++23, and, where it is meant for it, as assembler.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=selftests/style/files.bash
. selftests/style/files.bash
need gcc gcc
need g++ g++
warnings=(-Wall -Wextra -Werror -Wpadded -Wno-unused-macros)
status=0 count=0

try() { # HEADER AS COMMAND...
	local output
	count=$((count + 1))
	if ! output=$("${@:3}" 2>&1 <<<"#include \"$1\""); then
		printf '%s does not compile as %s:\n%s\n' "$1" "$2" "$output"
		status=1
	fi
}

while read -r file; do
	header=${file#include/}
	try "$header" C11 gcc -std=c11 -ffreestanding "${warnings[@]}" -Iinclude -fsyntax-only -x c -
	try "$header" C++23 g++ -std=c++23 -ffreestanding -fno-exceptions -fno-rtti "${warnings[@]}" -Iinclude -fsyntax-only -x c++ -
	# What an assembler file includes must vanish but for its macros.
	if grep -q __ASSEMBLER__ "$file" || ! grep -qE '^(struct|enum|union|static_assert)' "$file"; then
		try "$header" assembler gcc -Iinclude -c -o /dev/null -x assembler-with-cpp -
	fi
	for twice in c c++; do
		try "$header\"
#include \"$header" "$twice, included twice" gcc -Iinclude -fsyntax-only -x "$twice" -
	done
done < <(sources 'include/*.h')
[ $count -gt 0 ] || {
	echo "no header found in include/"
	exit 1
}
[ $status = 0 ] && echo "$count compilations of include/ pass"
exit $status
