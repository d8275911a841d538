#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 60
# stress-ng, class futex: it verifies its own results.
. selftests/apps/lib.sh
stress futex --futex 1 --mutex 1 --sem 1
finish "stress-ng verifies its results decoupled, class futex"
