#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 120
# A part of the group kvm with the module as the reflector: a test of each kind. All of it: make selftest KERNEL=6.12 GROUP=kvm
set -u
here=$(cd "$(dirname "$0")" && pwd)
tests='@(state_registers|sig_mask|sig_nested|sig_restart|sig_temporary_mask|fault_segv|fault_trap|proc_fork|proc_exec|thread_create)'
output=$(mktemp)
trap 'rm -f "$output"' EXIT
REFLECTOR=module "$here/../run.sh" -f "kvm/$tests" kvm >"$output" 2>&1
status=$?
grep -v '^ok ' "$output"
exit $status
