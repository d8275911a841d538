#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Fetches the headers of the kernel that kernel.sh gives and prints the directory for `make -C`: headers.sh 6.1|6.12 [rt]
#
# Extracted, not installed: build/kernels/headers-VERSION/usr/{src,lib}. Extracted ones are used without network.
# Exit code 4, with the reason on stdout, when they can't be had.
set -u
tree=$(cd "$(dirname "$0")/../../.." && pwd)
kernel=$("$tree/selftests/vm/lib/kernel.sh" "$@") || {
	rc=$?
	[ -z "$kernel" ] || echo "$kernel"
	exit $rc
}
# shellcheck source=selftests/vm/lib/packages.bash
. "$tree/selftests/vm/lib/packages.bash"
version=$(basename "$kernel")
package=linux-headers-$version
dir=$kernels/headers-$version
build=$dir/usr/src/$package
wanted=$package

# What the package needs to build modules: the headers that the flavours share, and the build programs.
needed_packages() {
	apt-cache depends "$package" 2>/dev/null | sed -n 's/^ *Depends: \(linux-headers-.*-common.*\|linux-kbuild-.*\)$/\1/p'
}

if [ ! -e "$dir/.complete" ]; then
	command -v apt-get >/dev/null || unavailable "no apt-get here"
	needed=$(needed_packages)
	if [ -z "$needed" ]; then
		apt-get update >&2 || unavailable "apt-get update failed"
		needed=$(needed_packages)
	fi
	[ -n "$needed" ] || unavailable "it isn't in the configured sources; remove $kernel to take a newer kernel"
	# shellcheck disable=SC2086
	fetch "$dir" "$package" $needed
	# Its makefile includes the shared one by the path where that is when installed.
	# shellcheck disable=SC2016
	sed -i 's,/usr/src/,$(dir $(lastword $(MAKEFILE_LIST)))../,' "$build/Makefile"
	grep -q 'MAKEFILE_LIST' "$build/Makefile" || {
		echo "$package has an unknown layout: $build/Makefile" >&2
		exit 1
	}
	# With it, modules get BTF, for which pahole would be needed.
	rm -f "$build/vmlinux"
	touch "$dir/.complete"
fi
echo "$build"
