#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Fetches Debian's stock kernel of a series and prints its directory: kernel.sh 6.1|6.12
#
# The package is extracted, not installed: build/kernels/VERSION/{boot,lib}. An extracted one is used without network.
# Exit code 4, with the reason on stdout, when it can't be had.
set -u
series=${1:?usage: kernel.sh 6.1|6.12}
tree=$(cd "$(dirname "$0")/../../.." && pwd)
kernels=$tree/build/kernels
mkdir -p "$kernels"
exec 9>"$kernels/.lock"
flock 9

unavailable() {
	echo "Debian's kernel $series can't be had: $*"
	exit 4
}

# Newest extracted kernel of the series. The stamp is written last: a broken extraction doesn't count.
newest_extracted() {
	local stamp
	for stamp in "$kernels/$series."*/.complete; do
		[ -e "$stamp" ] && dirname "$stamp"
	done | sort -V | tail -n 1
}

# The meta package of the series names the newest one. The distribution's own series has no number in the name.
newest_package() {
	apt-cache depends "linux-image-$series-amd64" linux-image-amd64 2>/dev/null |
		sed -n "s/^ *Depends: \(linux-image-${series//./\\.}\.[0-9].*-amd64\)$/\1/p" | sort -V | tail -n 1
}

dir=$(newest_extracted)
if [ -z "$dir" ]; then
	command -v apt-get >/dev/null || unavailable "no apt-get here"
	package=$(newest_package)
	if [ -z "$package" ]; then
		apt-get update >&2 || unavailable "apt-get update failed"
		package=$(newest_package)
	fi
	[ -n "$package" ] || unavailable "no such package in the configured sources (6.12 on Debian 12: bookworm-security)"
	version=${package#linux-image-}
	dir=$kernels/$version
	rm -rf "$dir"
	mkdir -p "$dir/download"
	echo "fetching $package" >&2
	(cd "$dir/download" && apt-get -q -o APT::Sandbox::User=root download "$package" >&2) || {
		rm -rf "$dir"
		unavailable "apt-get download $package failed"
	}
	if ! dpkg -x "$dir"/download/*.deb "$dir" || ! depmod -b "$dir" "$version"; then
		rm -rf "$dir"
		echo "extracting $package failed" >&2
		exit 1
	fi
	rm -rf "$dir/download"
	touch "$dir/.complete"
fi
echo "$dir"
