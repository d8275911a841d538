#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The command table, --help, the man pages and the bash completion name the same commands and options.
cd "$(dirname "$0")/../.." || exit 1
decouple=${DECOUPLE:-build/decouple}
[ -x "$decouple" ] || {
	echo "$decouple is not built: run make"
	exit 4
}
status=0

differ() { # WHAT FIRST-NAME FIRST SECOND-NAME SECOND
	[ "$3" = "$5" ] && return
	echo "$1: $2 has [${3//$'\n'/ }], $4 has [${5//$'\n'/ }]"
	status=1
}

options_of() { # long options in a text
	grep -oE -- '(^|[^a-zA-Z0-9-])--[a-z][a-z-]*' | grep -oE -- '--[a-z-]*' | sort -u
}

completion_commands=$(sed -n 's/.*local commands="\(.*\)"$/\1/p' userland/completion/decouple | tr ' ' '\n' | sort)
table_commands=$(sed -n 's/^\t{"\([a-z]*\)", "[^"]*".*/\1/p' userland/cli/main.cc | sort)
help_commands=$("$decouple" --help | sed -n 's/^  decouple \[\{0,1\}\([a-z][a-z]*\).*/\1/p' | sort)
page_commands=$(for page in docs/man/decouple*.1; do
	name=$(basename "$page" .1)
	[ "$name" = decouple ] && echo attach || echo "${name#decouple-}"
done | sort)
[ "$table_commands" ] || {
	echo "no command found in userland/cli/main.cc"
	exit 1
}
differ commands "the table" "$table_commands" --help "$help_commands"
differ commands "the table" "$table_commands" docs/man "$page_commands"
differ commands "the table" "$table_commands" completion "$completion_commands"

for command in $table_commands; do
	page=docs/man/decouple-$command.1
	[ "$command" = attach ] && page=docs/man/decouple.1
	[ -f "$page" ] || continue # reported above
	if ! help=$("$decouple" "$command" --help); then
		echo "decouple $command --help fails"
		status=1
	fi
	# Left column of CLI11's list.
	in_help=$(grep -E '^ +-' <<<"$help" | sed 's/^\( *[^ ]*\).*/\1/; s/,/ /g' | options_of)
	# Tags of the OPTIONS section. --version belongs to decouple as a whole.
	in_page=$(sed -n '/^\.SH OPTIONS/,/^\.SH [^O]/p' "$page" | grep -A 1 '^\.TP' | sed 's/\\-/-/g' | options_of | grep -vx -- --version)
	in_completion=$(sed -n "s/^\t$command) options=\"\(.*\)\" ;;\$/\1/p" userland/completion/decouple | options_of)
	differ "$command" --help "$in_help" "$page" "$in_page"
	differ "$command" --help "$in_help" completion "$in_completion"
	# Every command of the man page is shown in the synopsis by its name.
	grep -q "^\.B decouple${command/#attach/}\|^\.B decouple $command" "$page" || {
		echo "$page: no synopsis of decouple $command"
		status=1
	}
done

# What man says about its own input.
pages="man pages"
if ! command -v man >/dev/null; then
	pages="man pages (not read by man: man-db is not installed)"
else
	for page in docs/man/*.1; do
		warnings=$(LC_ALL=C MANROFFSEQ='' man --warnings -l "$page" 2>&1 >/dev/null)
		[ -z "$warnings" ] || {
			echo "$page: $warnings"
			status=1
		}
	done
fi
[ $status = 0 ] && echo "$(wc -w <<<"$table_commands") commands agree in table, help, $pages and completion"
exit $status
