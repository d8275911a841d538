# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What the tests of the group ib share: Debian's unmodified rdma-core and perftest on the model of an HCA. Sourced.
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
# shellcheck source=selftests/style/files.bash
. selftests/style/files.bash
tree=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# preload NAME: path of a front end in build/
preload() {
	[ -e "build/$1" ] || skip "build/$1 is not built: run make"
	echo "$tree/build/$1"
}
