#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Fetches Debian's stock kernel of a series and prints its directory: kernel.sh 6.1|6.1-rt|6.12|6.12-rt
#
# The package is extracted, not installed: build/kernels/VERSION/{boot,lib}. An extracted one is used without network.
# Exit code 4, with the reason on stdout, when it can't be had.
set -u
tree=$(cd "$(dirname "$0")/../../.." && pwd)
# shellcheck source=selftests/vm/lib/packages.bash
. "$tree/selftests/vm/lib/packages.bash"
kernel_name "${1:-}" "${2:-}" || {
	echo "usage: kernel.sh 6.1|6.1-rt|6.12|6.12-rt" >&2
	exit 2
}
wanted="Debian's kernel $series (${flavour})"

# Newest extracted kernel of the series. The stamp is written last: a broken extraction doesn't count.
newest_extracted() {
	local stamp dir
	for stamp in "$kernels/$series."*"-$flavour/.complete"; do
		[ -e "$stamp" ] || continue
		dir=${stamp%/.complete}
		[ "$flavour" = rt-amd64 ] || [ "${dir%-rt-amd64}" = "$dir" ] || continue
		echo "$dir"
	done | sort -V | tail -n 1
}

# The meta package of the series names the newest one. The distribution's own series has no number in the name.
newest_package() {
	apt-cache depends "linux-image-$series-$flavour" "linux-image-$flavour" 2>/dev/null |
		sed -n "s/^ *Depends: \(linux-image-${series//./\\.}\.[0-9].*-$flavour\)$/\1/p" | sort -V | tail -n 1
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
	fetch "$dir" "$package"
	if ! depmod -b "$dir" "$version"; then
		rm -rf "$dir"
		echo "depmod of $package failed" >&2
		exit 1
	fi
	touch "$dir/.complete"
fi
echo "$dir"
