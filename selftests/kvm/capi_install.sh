#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 300
# make install puts everything where DESTDIR and PREFIX say, and a program built against that by pkg-config works; see capi.c.
set -u
cd "$(dirname "$0")/../.." || exit 1
command -v pkg-config >/dev/null || {
	echo "pkg-config is not installed: apt-get install pkgconf"
	exit 4
}
dir=$(mktemp -d)
prefix=/opt/decouple
installed=$dir$prefix
generated=build/libdecouple.pc
[ ! -e $generated ] || cp -p $generated "$dir/pc"
# shellcheck disable=SC2317 # run by the trap
cleanup() {
	if [ -e "$dir/pc" ]; then cp -p "$dir/pc" $generated; fi # it named our prefix
	rm -rf "$dir"
}
trap cleanup EXIT

fail() {
	echo "$*"
	exit 1
}

# The flags of a make that runs the tests are not ours.
env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make install DESTDIR="$dir" PREFIX=$prefix >"$dir/log" 2>&1 ||
	fail "make install: $(tail -n 20 "$dir/log")"
for page in docs/man/*.[0-9]; do
	cmp "$page" "$installed/share/man/man${page##*.}/${page##*/}" || fail "$page is not installed"
done
for file in bin/decouple include/decouple/libdecouple.h lib/libdecouple.a lib/libdecouple.so lib/libdecouple.so.0 \
	share/bash-completion/completions/decouple; do
	[ -s "$installed/$file" ] || fail "$file is not installed"
done
# A node's configuration has its place, whatever PREFIX is.
outside=$(find "$dir" -type f ! -path "$installed/*" ! -path "$dir/log" ! -path "$dir/pc" ! -path "$dir/etc/decouple/cores.conf")
[ -z "$outside" ] || fail "installed outside of PREFIX: $outside"

export PKG_CONFIG_SYSROOT_DIR=$dir PKG_CONFIG_LIBDIR=$installed/lib/pkgconfig
read -ra flags <<<"$(pkg-config --cflags --libs libdecouple)"
[ ${#flags[@]} -gt 0 ] || fail "pkg-config knows no libdecouple"
strict=(-Wall -Wextra -Werror -pedantic)
gcc -std=c11 "${strict[@]}" -pthread -o "$dir/capi" selftests/kvm/capi.c "${flags[@]}" || fail "capi.c does not build"
readelf -d "$dir/capi" | grep -q 'NEEDED.*\[libdecouple\.so\.0\]' || fail "capi was not linked with libdecouple.so.0"
g++ -std=c++17 "${strict[@]}" -o "$dir/cxx" -x c++ - "${flags[@]}" <<'END' || fail "a C++ program does not build"
#include <decouple/libdecouple.h>
int main()
{
	return *decouple_version() ? 0 : 1;
}
END
export LD_LIBRARY_PATH=$installed/lib
"$dir/cxx" || fail "a C++ program does not run"
[ -e /dev/kvm ] || {
	echo "no /dev/kvm on this machine"
	exit 4
}
"$dir/capi" "$(pkg-config --modversion libdecouple)"
