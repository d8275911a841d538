#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 60
# stress-ng, class signal: it verifies its own results.
. selftests/apps/lib.sh
stress signal --signal 1 --sigfpe 1 --sigsegv 1 --sigq 1 --sigabrt 1
finish "stress-ng verifies its results decoupled, class signal"
