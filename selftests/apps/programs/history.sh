#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A repository with a fixed history, made by $GIT (default: git): commits, branches, a merge, packing, a check.
set -eu
if [ -n "${APP_GATE:-}" ]; then
	: >"$APP_GATE.ready"
	until [ -e "$APP_GATE" ]; do sleep 0.02; done
fi
GIT=${GIT:-git}
export HOME=$PWD GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=C GIT_COMMITTER_EMAIL=c@d
export GIT_CONFIG_COUNT=3 GIT_CONFIG_KEY_0=gc.auto GIT_CONFIG_VALUE_0=0 GIT_CONFIG_KEY_1=pack.threads GIT_CONFIG_VALUE_1=2
export GIT_CONFIG_KEY_2=init.defaultBranch GIT_CONFIG_VALUE_2=main
$GIT init -q repository
cd repository
for i in $(seq 1 6); do
	mkdir -p dir$((i % 3))
	for j in $(seq 1 15); do
		seq $((i * j)) $((i * j + 300)) >"dir$((i % 3))/file$j"
	done
	$GIT add .
	GIT_AUTHOR_DATE="@$((1700000000 + i)) +0000" GIT_COMMITTER_DATE="@$((1700000000 + i)) +0000" $GIT commit -q -m "change $i"
done
export GIT_AUTHOR_DATE="@1700001000 +0000" GIT_COMMITTER_DATE="@1700001000 +0000"
$GIT checkout -q -b side HEAD~3
echo side >side
$GIT add side
$GIT commit -q -m side
$GIT checkout -q main
$GIT merge -q -m merge side
$GIT tag -a -m tag v1
$GIT log --oneline --graph
$GIT diff --stat HEAD~2
$GIT gc -q
$GIT fsck --full
$GIT rev-parse HEAD v1
$GIT count-objects -v | grep -v size
$GIT archive HEAD | sha256sum
$GIT clone -q . ../clone
$GIT -C ../clone log -1 --format='%H %T %s'
$GIT blame dir1/file3 | cut -c 1-40 | sort | uniq -c
