#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 60
# stress-ng, class cpu: it verifies its own results.
. selftests/apps/lib.sh
stress cpu --cpu 2 --cpu-method all
finish "stress-ng verifies its results decoupled, class cpu"
