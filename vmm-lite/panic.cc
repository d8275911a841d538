/* SPDX-License-Identifier: GPL-2.0-only */
/* Panic: see panic.h. */
#include "panic.h"
#include "session.h"
#include "task_name.h"

namespace decouple
{

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
	char text[160], *p = put_text(text, "decouple: resident panic at ");
	for (u32 i = 0; i < sizeof(r.file) - 1 && file[i]; i++)
		r.file[i] = *p++ = file[i];
	p = put_text(p, " line 0x");
	p = put_hex(p, line);
	p = put_text(p, " value 0x");
	p = put_hex(p, static_cast<u64>(value));
	p = put_text(p, "\n");
	/* A resident thread has no fds of the application: its standard error is reached through any home thread. */
	long fd = 2;
	if (Session *s = session_at(0)) {
		char path[48];
		task_path(path, s->info.tid, "fd/2");
		long opened = sys(__NR_open, addr(path), 02000001 /* O_WRONLY | O_CLOEXEC */, 0);
		fd = opened >= 0 ? opened : fd;
	}
	sys(__NR_write, static_cast<u64>(fd), addr(text), static_cast<u64>(p - text));
	for (;;)
		sys(__NR_exit_group, 134);
}

} // namespace decouple
