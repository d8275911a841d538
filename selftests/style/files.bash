# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Which files the style tests look at. Sourced, with the top of the tree as working directory.

# sources PATTERN...: files of the project (not what is built or ignored) whose path matches one of the globs
sources() {
	local file pattern
	if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
		git ls-files --cached --others --exclude-standard
	else
		find . -path ./build -prune -o -type f -print | sed 's,^\./,,'
	fi | sort | while read -r file; do
		[ -f "$file" ] || continue
		for pattern; do
			# shellcheck disable=SC2053
			if [[ $file == $pattern ]]; then
				printf '%s\n' "$file"
				break
			fi
		done
	done
}

# skip REASON
skip() {
	echo "$1"
	exit 4
}

# need PROGRAM PACKAGE
need() {
	command -v "$1" >/dev/null || skip "$1 is not installed: apt-get install $2"
}
