#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The C API: its header compiles alone as C11 and C++17, and header, version script, libdecouple.so and man page name the same functions.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=selftests/style/files.bash
. selftests/style/files.bash
need gcc gcc
need g++ g++
header=include/decouple/libdecouple.h page=docs/man/libdecouple.3 library=build/libdecouple.so
[ -e "$library" ] || skip "$library is not built: run make"
status=0

differ() { # WHAT FUNCTIONS: not those of the header
	[ "$2" = "$functions" ] && return
	echo "$header declares [${functions//$'\n'/ }], $1 has [${2//$'\n'/ }]"
	status=1
}

strict=(-Wall -Wextra -Werror -pedantic -Iinclude -fsyntax-only)
gcc -std=c11 "${strict[@]}" -x c - <<<'#include <decouple/libdecouple.h>' || status=1
g++ -std=c++17 "${strict[@]}" -x c++ - <<<'#include <decouple/libdecouple.h>' || status=1

functions=$(sed -n 's/^[a-z].*\b\(decouple_[a-z_]*\)(.*);$/\1/p' "$header" | sort)
[ "$functions" ] || {
	echo "$header: no function found"
	exit 1
}
differ userland/libdecouple.map "$(sed -n 's/^\t\(.*\);$/\1/p' userland/libdecouple.map | grep -v '^\*$' | sort)"
differ "$library" "$(nm -D --defined-only "$library" | awk '$2 != "A" { print $3 }' | sed 's/@@DECOUPLE_0$//' | sort)"
differ "$page" "$(sed -n '/^\.SH SYNOPSIS/,/^\.SH D/p' "$page" | grep -o 'decouple_[a-z_]*(' | tr -d '(' | sort)"
soname=$(readelf -d "$library" | sed -n 's/.*(SONAME).*\[\(.*\)\]/\1/p')
[ "$soname" = libdecouple.so.0 ] || {
	echo "$library: soname is [$soname] instead of libdecouple.so.0"
	status=1
}
if command -v man >/dev/null; then
	warnings=$(LC_ALL=C MANROFFSEQ='' man --warnings -l "$page" 2>&1 >/dev/null)
	[ -z "$warnings" ] || {
		echo "$page: $warnings"
		status=1
	}
else
	echo "$page was not read by man: man-db is not installed"
fi
[ $status = 0 ] && echo "$(wc -w <<<"$functions") functions agree in header, version script, library and man page"
exit $status
