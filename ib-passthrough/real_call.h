/* SPDX-License-Identifier: GPL-2.0-only */
/* For preloaded libraries: the function behind one that they put themselves in front of. */
#ifndef DECOUPLE_REAL_CALL_H
#define DECOUPLE_REAL_CALL_H

#include <dlfcn.h>

namespace decouple
{

/* real(&::open, "open"); the pointer gives the type only. */
template <class Function> Function *real(Function *, const char *name)
{
	return reinterpret_cast<Function *>(dlsym(RTLD_NEXT, name));
}

} // namespace decouple

#endif
