#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 120
# The C API of libdecouple, statically linked: attach, status, recouple, refusals; see capi.c.
exec "${TEST_BUILD:-$(dirname "$0")/../../build/selftests}/kvm/capi"
