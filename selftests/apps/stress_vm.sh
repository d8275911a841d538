#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 60
# stress-ng, class vm: it verifies its own results.
. selftests/apps/lib.sh
stress vm --vm 1 --vm-bytes 64M --vm-method all
finish "stress-ng verifies its results decoupled, class vm"
