#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# No source file is longer than 600 lines, and all have an SPDX line.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=selftests/style/files.bash
. selftests/style/files.bash
# One process for all files: there are many.
mapfile -t files < <(sources '*.c' '*.h' '*.cc' '*.S' '*.lds' '*.sh' '*.bash' '*.py' '*.md' '*Makefile' '*.1' '.ci/run' 'userland/completion/*')
awk -v limit=600 '
	function ended() {
		if (lines > limit)
			say(name ": " lines " lines, the limit is " limit ": split it")
		if (name && !licensed && name !~ /\.(md|json|txt|svg)$/)
			say(name ": no SPDX line at the top")
	}
	function say(what) { print what; bad = 1 }
	FNR == 1 { ended(); name = FILENAME; licensed = 0 }
	FNR <= 3 && /SPDX-License-Identifier: GPL-2.0-only/ { licensed = 1 }
	{ lines = FNR }
	END {
		ended()
		if (!bad)
			print "all files are within " limit " lines and have their SPDX line"
		exit bad
	}' "${files[@]}"
