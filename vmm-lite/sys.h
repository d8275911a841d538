/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel as the resident sees it: system calls without libc, and the x86-64 signal ABI (arch/x86/include/uapi/asm/sigcontext.h). */
#ifndef DECOUPLE_VMM_SYS_H
#define DECOUPLE_VMM_SYS_H

#include <stdint.h>
#include <stddef.h>
#include <asm/unistd.h>
#include <linux/errno.h>

#if __STDC_HOSTED__
#include <string.h> /* host tests and the controller use the pure parts */
#else
extern "C" {
void *memcpy(void *to, const void *from, size_t n);
void *memset(void *to, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
}
#endif

namespace decouple
{

using u8 = uint8_t;
using u16 = uint16_t;
using u32 = uint32_t;
using u64 = uint64_t;
using s32 = int32_t;
using s64 = int64_t;

inline long sys(long nr, u64 a = 0, u64 b = 0, u64 c = 0, u64 d = 0, u64 e = 0, u64 f = 0)
{
	long ret;
	register u64 r10 asm("r10") = d, r8 asm("r8") = e, r9 asm("r9") = f;
	asm volatile("syscall"
		     : "=a"(ret)
		     : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
		     : "rcx", "r11", "memory");
	return ret;
}

template <class T> u64 addr(T *p)
{
	return reinterpret_cast<u64>(p);
}

template <class T> T load(const T &v)
{
	return __atomic_load_n(&v, __ATOMIC_ACQUIRE);
}
template <class T> void store(T &v, T to)
{
	__atomic_store_n(&v, to, __ATOMIC_RELEASE);
}
template <class T> T exchange(T &v, T to)
{
	return __atomic_exchange_n(&v, to, __ATOMIC_SEQ_CST);
}
inline void full_barrier()
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}
/* Counters have one writer; a plain add keeps them off the bus. */
inline void count(u64 &counter)
{
	__atomic_store_n(&counter, counter + 1, __ATOMIC_RELAXED);
}

inline u64 rdtsc()
{
	u32 lo, hi;
	asm volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return lo | static_cast<u64>(hi) << 32;
}
/*
 * The calling thread has made RDTSC (prctl PR_SET_TSC) or CPUID (arch_prctl ARCH_SET_CPUID) fault for itself: the number of that call, else 0.
 * Neither instruction may be used before it is known.
 */
long instruction_off();
constexpr u64 pr_set_tsc = 26, pr_tsc_enable = 1, pr_tsc_sigsegv = 2;

inline void pause()
{
	asm volatile("pause" ::: "memory");
}

constexpr u32 futex_wait_private = 128, futex_wake_private = 129;
inline long futex_wait(u32 *word, u32 expected, const struct TimeSpec *timeout = nullptr)
{
	return sys(__NR_futex, addr(word), futex_wait_private, expected, addr(timeout));
}
/* Waits until the kernel clears a CLONE_CHILD_CLEARTID word; its wake-up is not a private one (kernel/fork.c: mm_release). */
inline void join_thread(u32 *alive)
{
	for (u32 tid; (tid = load(*alive)) != 0;)
		sys(__NR_futex, addr(alive), 0 /* FUTEX_WAIT */, tid, 0);
}
inline long futex_wake(u32 *word, u32 waiters = 1)
{
	return sys(__NR_futex, addr(word), futex_wake_private, waiters);
}

struct TimeSpec {
	s64 sec, nsec;
};

/* Signals. A set is one 64-bit word, bit N-1 for signal N. */
constexpr int signal_capture = 64; /* the reserved real-time signal */
constexpr u64 bit(int signal)
{
	return 1ull << (signal - 1);
}
constexpr u64 capture_bit = bit(signal_capture);
constexpr u32 sig_block = 0, sig_unblock = 1, sig_setmask = 2;
enum Signal : int {
	sig_ill = 4,
	sig_trap = 5,
	sig_abrt = 6,
	sig_bus = 7,
	sig_fpe = 8,
	sig_kill = 9,
	sig_segv = 11,
	sig_chld = 17,
	sig_cont = 18,
	sig_stop = 19,
	sig_tstp = 20,
	sig_ttin = 21,
	sig_ttou = 22,
	sig_urg = 23,
	sig_winch = 28,
	sig_sys = 31,
};
/* Taken before all others by the kernel (kernel/signal.c: SYNCHRONOUS_MASK). */
constexpr u64 synchronous_signals = bit(sig_segv) | bit(sig_bus) | bit(sig_ill) | bit(sig_trap) | bit(sig_fpe) | bit(sig_sys);
/* Ignored by default (kernel/signal.c: sig_kernel_ignore). */
constexpr u64 default_ignored = bit(sig_cont) | bit(sig_chld) | bit(sig_urg) | bit(sig_winch);
/* In no mask; but the module may put off a SIGSTOP (kmod-decouple/debugger.c). */
constexpr u64 unblockable = bit(sig_kill) | bit(sig_stop);
constexpr u64 default_stop = bit(sig_tstp) | bit(sig_ttin) | bit(sig_ttou);

constexpr u64 sa_siginfo = 0x4, sa_restorer = 0x04000000, sa_onstack = 0x08000000, sa_restart = 0x10000000,
	      sa_nodefer = 0x40000000;
constexpr u64 sig_dfl = 0, sig_ign = 1;

struct SigAction {
	u64 handler, flags, restorer, mask;
};
struct SigInfo {
	s32 signo, error, code;
	u8 rest[116];
};
static_assert(sizeof(SigInfo) == 128);
struct StackT {
	u64 sp;
	u32 flags, pad;
	u64 size;
};
constexpr u32 ss_disable = 2, ss_autodisarm = 1u << 31;

struct SigContext {
	u64 r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, rflags;
	u16 cs, gs, fs, ss;
	u64 err, trapno, oldmask, cr2;
	u8 *fpstate;
	u64 reserved[8];
};
struct UContext {
	u64 flags, link;
	StackT stack;
	SigContext mc;
	u64 mask;
};
static_assert(sizeof(UContext) == 304);

/* struct _fpx_sw_bytes at offset 464 of the frame's XSAVE image; a second magic follows the image. */
constexpr u32 fp_sw_offset = 464;
struct FpSoftware {
	u32 magic1, extended_size;
	u64 features;
	u32 xstate_size, padding[7];
};
static_assert(sizeof(FpSoftware) == 48);

inline long sigprocmask(u32 how, u64 set)
{
	return sys(__NR_rt_sigprocmask, how, addr(&set), 0, 8);
}
inline SigAction sigaction_of(int signal)
{
	SigAction a = {};
	sys(__NR_rt_sigaction, static_cast<u64>(signal), 0, addr(&a), 8);
	return a;
}
inline long set_sigaction(int signal, const SigAction &a)
{
	return sys(__NR_rt_sigaction, static_cast<u64>(signal), addr(&a), 0, 8);
}
inline u64 sigpending()
{
	u64 set = 0;
	sys(__NR_rt_sigpending, addr(&set), 8);
	return set;
}
/* Takes one pending signal of `set`; timeout nullptr: waits. Returns the signal or -errno. */
inline long sigtimedwait(u64 set, SigInfo *info, const TimeSpec *timeout)
{
	return sys(__NR_rt_sigtimedwait, addr(&set), addr(info), addr(timeout), 8);
}
constexpr TimeSpec no_wait = {0, 0};

constexpr u64 page_size = 4096;
constexpr u64 prot_none = 0, prot_read = 1, prot_write = 2, prot_exec = 4;
constexpr u64 map_shared = 1, map_private = 2, map_fixed = 0x10, map_anonymous = 0x20, map_noreserve = 0x4000;
constexpr u64 madv_dontfork = 10, madv_dontdump = 16;
inline long map_memory(u64 size, u64 flags)
{
	return sys(__NR_mmap, 0, size, prot_read | prot_write, flags | map_anonymous | map_noreserve, ~0ull, 0);
}
inline bool is_error(long r)
{
	return r < 0 && r >= -4095;
}

inline u64 read_fs_base()
{
	u64 v;
	asm volatile("rdfsbase %0" : "=r"(v));
	return v;
}
inline u64 read_gs_base()
{
	u64 v;
	asm volatile("rdgsbase %0" : "=r"(v));
	return v;
}
inline void write_fs_base(u64 v)
{
	asm volatile("wrfsbase %0" ::"r"(v));
}
inline void write_gs_base(u64 v)
{
	asm volatile("wrgsbase %0" ::"r"(v));
}

/* Copies from or to memory that another thread may unmap at any time: -EFAULT instead of a fault in the resident. */
long copy_from_app(void *to, u64 from, u64 size);
long copy_to_app(u64 to, const void *from, u64 size);

} // namespace decouple

#endif
