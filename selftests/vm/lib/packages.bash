# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154
# Debian's kernel packages, extracted and not installed, below build/kernels. Sourced by kernel.sh and headers.sh.
#
# The caller sets `tree`, and `wanted` for messages. Sets `kernels` and holds its lock from then on.
kernels=$tree/build/kernels
mkdir -p "$kernels"
exec 9>"$kernels/.lock"
flock 9

# unavailable REASON...
unavailable() {
	echo "$wanted can't be had: $*"
	exit 4
}

# kernel_name NAME [rt]: sets `series` (6.1) and `flavour` (amd64 or rt-amd64) from 6.1, 6.1-rt or 6.1 rt.
kernel_name() {
	series=${1%-rt} flavour=amd64
	[ "$series" = "$1" ] && [ "${2:-}" = "" ] || flavour=rt-amd64
	case $series:${2:-rt} in
	6.1:rt | 6.12:rt) ;;
	*) return 1 ;;
	esac
}

# fetch DIR PACKAGE...: downloads and extracts them into DIR; the caller writes DIR/.complete when it is done with it.
fetch() {
	local dir=$1 package archive
	shift
	rm -rf "$dir"
	mkdir -p "$dir/download"
	for package; do
		echo "fetching $package" >&2
		(cd "$dir/download" && apt-get -q -o APT::Sandbox::User=root download "$package" >&2) || {
			rm -rf "$dir"
			unavailable "apt-get download $package failed"
		}
	done
	for archive in "$dir"/download/*.deb; do
		dpkg -x "$archive" "$dir" || {
			rm -rf "$dir"
			echo "extracting $(basename "$archive") failed" >&2
			exit 1
		}
	done
	rm -rf "$dir/download"
}
