#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# No source file is longer than 600 lines, and all have an SPDX line.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=selftests/style/files.bash
. selftests/style/files.bash
limit=600 status=0
while read -r file; do
	lines=$(wc -l <"$file")
	if [ "$lines" -gt $limit ]; then
		echo "$file: $lines lines, the limit is $limit: split it"
		status=1
	fi
	case $file in
	*.md | *.json | *.txt | *.svg) continue ;;
	esac
	if ! head -n 3 "$file" | grep -q 'SPDX-License-Identifier: GPL-2.0-only'; then
		echo "$file: no SPDX line at the top"
		status=1
	fi
done < <(sources '*.c' '*.h' '*.cc' '*.S' '*.lds' '*.sh' '*.bash' '*.py' '*.md' '*Makefile' '*.1' '.ci/run' 'userland/completion/*')
[ $status = 0 ] && echo "all files are within $limit lines and have their SPDX line"
exit $status
