/* SPDX-License-Identifier: GPL-2.0-only */
/* Panic: see panic.h. */
#include "panic.h"
#include "session.h"

namespace decouple {

static char *put(char *p, const char *text)
{
	while (*text)
		*p++ = *text++;
	return p;
}

static char *put_hex(char *p, u64 v)
{
	for (int shift = 60; shift >= 0; shift -= 4)
		if (v >> shift || shift == 0)
			*p++ = "0123456789abcdef"[v >> shift & 15];
	return p;
}

[[noreturn]] void panic(const char *file, u32 line, s64 value)
{
	for (const char *c = file; *c; c++)
		if (*c == '/')
			file = c + 1;
	PanicReport &r = control.panic;
	r.line = line;
	r.value = value;
	r.tid = static_cast<u32>(sys(__NR_gettid));
	char text[160], *p = put(text, "decouple: resident panic at ");
	for (u32 i = 0; i < sizeof(r.file) - 1 && file[i]; i++)
		r.file[i] = *p++ = file[i];
	p = put(p, " line 0x");
	p = put_hex(p, line);
	p = put(p, " value 0x");
	p = put_hex(p, static_cast<u64>(value));
	p = put(p, "\n");
	sys(__NR_write, 2, addr(text), static_cast<u64>(p - text));
	for (;;)
		sys(__NR_exit_group, 134);
}

} // namespace decouple
