#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 180
# A bash script with pipes, subshells, traps and job control.
. selftests/apps/lib.sh
watched script -- bash "$programs/shell.sh"
compare script_follow --follow -- bash "$programs/shell.sh"
attached script -- bash "$programs/shell.sh"
attached script_follow --follow -- bash "$programs/shell.sh"
finish "bash scripts give what they give natively"
