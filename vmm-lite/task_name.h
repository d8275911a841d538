/* SPDX-License-Identifier: GPL-2.0-only */
/* Small texts about tasks: proc paths and thread names. */
#ifndef DECOUPLE_VMM_TASK_NAME_H
#define DECOUPLE_VMM_TASK_NAME_H

#include "sys.h"

namespace decouple
{

/* Appends and terminates; both return the end. */
inline char *put_text(char *p, const char *text)
{
	while (*text)
		*p++ = *text++;
	*p = 0;
	return p;
}

inline char *put_number(char *p, s32 v)
{
	char digits[12];
	int n = 0;
	do
		digits[n++] = static_cast<char>('0' + v % 10);
	while (v /= 10);
	while (n)
		*p++ = digits[--n];
	*p = 0;
	return p;
}

/* "/proc/self/task/TID/FILE"; `path` has room for 48 bytes. */
inline void task_path(char *path, s32 tid, const char *file)
{
	char *p = put_number(put_text(path, "/proc/self/task/"), tid);
	put_text(put_text(p, "/"), file);
}

/* Names the calling thread; number 0: the prefix alone. */
inline void name_thread(const char *prefix, s32 number)
{
	constexpr u64 pr_set_name = 15;
	char name[32];
	char *p = put_text(name, prefix);
	if (number)
		put_number(p, number);
	sys(__NR_prctl, pr_set_name, addr(name));
}

} // namespace decouple

#endif
