/* SPDX-License-Identifier: GPL-2.0-only */
/* The resident's one panic path: for what only a bug in the resident can cause. Reports and ends the process. */
#ifndef DECOUPLE_VMM_PANIC_H
#define DECOUPLE_VMM_PANIC_H

#include "sys.h"

namespace decouple
{

[[noreturn]] void panic(const char *file, u32 line, s64 value);

} // namespace decouple

#define RESIDENT_PANIC(value) decouple::panic(__FILE__, __LINE__, static_cast<decouple::s64>(value))
/* Value of a call that can't fail unless the resident is wrong. */
#define MUST(expr)                                                                                                             \
	__extension__({                                                                                                        \
		long must_ = (expr);                                                                                           \
		if (must_ < 0)                                                                                                 \
			RESIDENT_PANIC(must_);                                                                                 \
		must_;                                                                                                         \
	})

#endif
