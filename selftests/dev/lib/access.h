/* SPDX-License-Identifier: GPL-2.0-only */
/* One access that may fault, and what Linux says of it. */
#ifndef DECOUPLE_SELFTESTS_ACCESS_H
#define DECOUPLE_SELFTESTS_ACCESS_H

#include "testlib.h"

enum access_kind { ACCESS_LOAD, ACCESS_STORE };

/* Handlers for SIGSEGV and SIGBUS that access_try() needs. */
void access_install(void);
/*
 * A load or store of 4 bytes at `address`. Prints `what` and the value read, or the signal with its code, whether si_addr, CR2 and RIP are
 * those of the access, error code and trap number. True: it went through.
 */
bool access_try(const char *what, enum access_kind kind, volatile void *address, uint32_t value);

#endif
