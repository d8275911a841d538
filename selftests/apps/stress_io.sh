#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 60
# stress-ng, class io: it verifies its own results.
. selftests/apps/lib.sh
stress io --io 1 --hdd 1 --hdd-bytes 8M --pipe 1
finish "stress-ng verifies its results decoupled, class io"
