/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory functions that the compiler calls by name, and copies that survive a racing munmap. */
#include "sys.h"
#include "session.h"

extern "C" {
void *memcpy(void *to, const void *from, size_t n)
{
	void *ret = to;
	asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n)::"memory");
	return ret;
}
void *memset(void *to, int c, size_t n)
{
	void *ret = to;
	asm volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(c) : "memory");
	return ret;
}
int memcmp(const void *a, const void *b, size_t n)
{
	const auto *x = static_cast<const unsigned char *>(a), *y = static_cast<const unsigned char *>(b);
	for (; n; n--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}
}

namespace decouple
{

long instruction_off()
{
	constexpr u64 pr_get_tsc = 25, arch_get_cpuid = 0x1011;
	u32 tsc = 0;
	if (sys(__NR_prctl, pr_get_tsc, addr(&tsc)) == 0 && tsc == pr_tsc_sigsegv)
		return __NR_prctl;
	return sys(__NR_arch_prctl, arch_get_cpuid) == 0 ? __NR_arch_prctl : 0;
}

namespace
{
struct IoVec {
	u64 base, len;
};
} // namespace

static long copy_app(long nr, void *ours, u64 theirs, u64 size)
{
	IoVec local = {addr(ours), size}, remote = {theirs, size};
	long r = sys(nr, static_cast<u64>(control.tgid), addr(&local), 1, addr(&remote), 1, 0);
	return r == static_cast<long>(size) ? 0 : -EFAULT;
}

long copy_from_app(void *to, u64 from, u64 size)
{
	return copy_app(__NR_process_vm_readv, to, from, size);
}
long copy_to_app(u64 to, const void *from, u64 size)
{
	return copy_app(__NR_process_vm_writev, const_cast<void *>(from), to, size);
}

} // namespace decouple
