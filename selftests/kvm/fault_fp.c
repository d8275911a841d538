// SPDX-License-Identifier: GPL-2.0-only
/* Unmasked SSE and x87 exceptions: SIGFPE with the code of each; integer division by zero and overflow. */
#include "testlib.h"

#include <fenv.h>
#include <setjmp.h>

static sigjmp_buf back;
static volatile double zero = 0, one = 1, huge = 1e308, tiny = 1e-308, result;
static volatile long double l_zero = 0, l_one = 1, l_result;
static volatile int i_zero = 0, i_min = INT32_MIN, i_minus = -1, i_result;

static void handler(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	printf("  signal %d code %d trap %lld\n", sig, info->si_code, uc->uc_mcontext.gregs[REG_TRAPNO]);
	siglongjmp(back, 1);
}

static void sse_divide(void)
{
	result = one / zero;
}
static void sse_invalid(void)
{
	result = zero / zero;
}
static void sse_overflow(void)
{
	result = huge * huge;
}
static void sse_underflow(void)
{
	result = tiny * tiny;
}
static void sse_inexact(void)
{
	result = one / 3;
}
static void x87_divide(void)
{
	l_result = l_one / l_zero;
	__asm__ volatile("fwait");
}
static void x87_invalid(void)
{
	l_result = l_zero / l_zero;
	__asm__ volatile("fwait");
}
static void x87_stack(void)
{
	__asm__ volatile("fninit; fldcw %0; fstp %%st(0); fwait" : : "m"((uint16_t){0x37e}));
}
static void int_divide(void)
{
	i_result = 7 / i_zero;
}
static void int_overflow(void)
{
	i_result = i_min / i_minus;
}

static const struct {
	const char *name;
	void (*run)(void);
	int unmask;
} table[] = {
	{"sse divide", sse_divide, FE_DIVBYZERO},
	{"sse invalid", sse_invalid, FE_INVALID},
	{"sse overflow", sse_overflow, FE_OVERFLOW},
	{"sse underflow", sse_underflow, FE_UNDERFLOW},
	{"sse inexact", sse_inexact, FE_INEXACT},
	{"x87 divide", x87_divide, FE_DIVBYZERO},
	{"x87 invalid", x87_invalid, FE_INVALID},
	{"x87 stack", x87_stack, FE_INVALID},
	{"int divide", int_divide, 0},
	{"int overflow", int_overflow, 0},
};

int main(void)
{
	test_start();
	handle(SIGFPE, handler, 0);
	for (volatile unsigned round = 0; round < 2; round++)
		for (volatile unsigned i = 0; i < ARRAY_SIZE(table); i++) {
			printf("%s\n", table[i].name);
			if (sigsetjmp(back, 1) == 0) {
				feclearexcept(FE_ALL_EXCEPT);
				feenableexcept(table[i].unmask);
				table[i].run();
				printf("  no signal\n");
			}
			__asm__ volatile("fninit");
			fesetenv(FE_DFL_ENV);
		}
	result = one / zero;
	printf("masked: %d\n", fetestexcept(FE_DIVBYZERO) != 0);
	return test_done();
}
