#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 60
# stress-ng, class fork: it verifies its own results.
. selftests/apps/lib.sh
stress fork --fork 1 --vfork 1
finish "stress-ng verifies its results decoupled, class fork"
