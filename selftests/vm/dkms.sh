#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 120
# What `make install-module` installs is a tree that DKMS builds, for both stock kernels, and udev has its rule.
set -u
here=$(dirname "$0")
command -v dkms >/dev/null || {
	echo "dkms is not installed: apt-get install dkms"
	exit 4
}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/dkms"

fail() {
	echo "$*"
	[ ! -f "$dir/log" ] || cat "$dir/log"
	find "$dir/dkms" -name make.log -exec cat {} +
	exit 1
}

make -s install-module "DESTDIR=$dir" >"$dir/log" 2>&1 || fail "make install-module fails"
[ -f "$dir/usr/lib/udev/rules.d/99-decouple.rules" ] || fail "no udev rule is installed"
version=$(basename "$dir"/usr/src/decouple-*)
version=${version#decouple-}
trees=(--dkmstree "$dir/dkms" --sourcetree "$dir/usr/src")
dkms add "decouple/$version" "${trees[@]}" >"$dir/log" 2>&1 || fail "dkms add fails"
for kernel in 6.1 6.12; do
	headers=$("$here/lib/headers.sh" $kernel 2>"$dir/log") || {
		rc=$?
		[ $rc = 4 ] || fail "no headers of $kernel"
		echo "$headers"
		exit 4
	}
	release=${headers##*/linux-headers-}
	dkms build "decouple/$version" -k "$release" --kernelsourcedir "$headers" "${trees[@]}" >"$dir/log" 2>&1 ||
		fail "dkms build fails for $release"
	module=$dir/dkms/decouple/$version/$release/x86_64/module/decouple.ko
	[ -f "$module" ] || fail "dkms built no decouple.ko for $release"
	[ "$(modinfo -F version "$module")" = "$version" ] || fail "the module isn't of version $version: $(modinfo "$module")"
	case $(modinfo -F vermagic "$module") in
	"$release "*) ;;
	*) fail "the module is for $(modinfo -F vermagic "$module") instead of $release" ;;
	esac
done
echo "DKMS builds decouple $version for 6.1 and 6.12"
