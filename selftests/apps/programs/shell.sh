#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Pipes, subshells, traps, job control: what shell scripts do to processes and signals. Prints nothing that depends on time.
if [ -n "${APP_GATE:-}" ]; then
	: >"$APP_GATE.ready"
	until [ -e "$APP_GATE" ]; do sleep 0.02; done
fi

ulimit -c 0
echo "pipe: $(seq 1 3000 | grep 7 | tr 7 x | sort -r | head -n 3 | tr '\n' ' ')"
seq 1 100000 | head -n 1 >/dev/null
echo "status of a pipe whose reader left: ${PIPESTATUS[*]}"
set -o pipefail
true | false | true
echo "pipefail $?"

sum=0
# shellcheck disable=SC2116 # the subshell is the point
for i in $(seq 1 40); do sum=$((sum + $(echo "$i"))); done
echo "40 subshells: $sum"
# shellcheck disable=SC2030,SC2031 # likewise
(x=inner; (exit 3); echo "nested status $?"; exit 5)
# shellcheck disable=SC2031
echo "subshell status $?, x is ${x:-unset}"
while read -r a b; do echo "$b $a"; done < <(printf '1 one\n2 two\n')
diff <(seq 5) <(seq 6) >/dev/null
echo "diff of two process substitutions: $?"
cat <<-END
	here-document of $((6 * 7))
END
exec 5<<<"line on descriptor 5"
read -r line <&5
exec 5<&-
echo "$line"

trap 'echo "trap USR1"; got=1' USR1
kill -USR1 $$
(sleep 0.1; kill -USR1 $$) &
got=
wait $!
until [ -n "$got" ]; do sleep 0.02; done
wait
for i in 1 2 3 4 5; do bash -c 'kill -USR1 $PPID'; done
(trap 'echo "subshell leaves"' EXIT; trap '' TERM; kill -TERM "$BASHPID"; echo "TERM ignored")
bash -c 'kill -TERM $$'
echo "killed by TERM: $?"
bash -c 'kill -SEGV $$' 2>/dev/null
echo "killed by SEGV: $?"
timeout 0.1 sleep 10
echo "timeout: $?"
read -r -t 0.05 nothing < <(sleep 0.2)
echo "read timed out: $(($? > 128))${nothing:-}"

coproc BC { while read -r n; do echo $((n * n)); done; }
# bash forgets the descriptors when the coprocess ends.
in=${BC[1]} out=${BC[0]} coproc_pid=$BC_PID
for i in 3 5 7; do
	echo $i >&"$in"
	read -r square <&"$out"
	echo "$i squared: $square"
done
exec {in}>&-
wait "$coproc_pid"
echo "coprocess: $?"

set -m
sleep 30 &
kill -STOP %sleep
until [[ $(jobs %sleep) == *Stopped* ]]; do sleep 0.02; done
jobs %sleep | sed 's/^[^ ]* *//'
bg %sleep >/dev/null
# By its number: a job that has been reported is no longer known by its name.
sleeper=$!
kill %sleep
wait "$sleeper" 2>/dev/null
echo "job: $?"
sleep 0.05 | cat &
fg %% >/dev/null
echo "foreground: $?"
set +m

declare -A count
for word in a b a c b a; do count[$word]=$((${count[$word]:-0} + 1)); done
echo "a=${count[a]} b=${count[b]} c=${count[c]}"
n=0
for ((i = 0; i < 20000; i++)); do n=$(((n * 31 + i) % 1000003)); done
echo "loop: $n"
jobs=()
for i in 1 2 3 4; do (sleep 0.0$i; exit $i) & jobs+=($!); done
for job in "${jobs[@]}"; do wait "$job"; echo "job status $?"; done
exec bash -c 'echo "after exec: $0"; exit 17' last
