#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 180
# Our scripts give shellcheck nothing to say.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=selftests/style/files.bash
. selftests/style/files.bash
need shellcheck shellcheck
mapfile -t files < <(
	{
		sources '*.sh' '*.bash' '.ci/run' 'userland/completion/*'
		# Scripts without a suffix, known by their first line.
		sources 'selftests/*' 'scripts/*' | while read -r file; do
			head -n 1 "$file" | grep -aqE '^#!.*\b(ba|da)?sh\b' && echo "$file"
		done
	} | sort -u
)
if ! shellcheck -x "${files[@]}"; then
	exit 1
fi
echo "${#files[@]} scripts are clean"
