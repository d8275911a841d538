// SPDX-License-Identifier: GPL-2.0-only
/* SIGTRAP: int3 resumes behind it; single steps with TF through plain code, a system call and CPUID. */
#include "testlib.h"
#include "registers.h"

static volatile sig_atomic_t steps;
static int codes[64];
static uintptr_t offsets[64];
static uintptr_t base;

static void on_int3(int sig, siginfo_t *info, void *context)
{
	greg_t *gregs = ((ucontext_t *)context)->uc_mcontext.gregs;

	printf("  signal %d code %d addr %s rip +%d\n", sig, info->si_code, info->si_addr ? "set" : "0",
	       (int)(gregs[REG_RIP] - (greg_t)base));
}

static void on_step(int sig, siginfo_t *info, void *context)
{
	greg_t *gregs = ((ucontext_t *)context)->uc_mcontext.gregs;

	(void)sig;
	/* Whether the instruction behind SYSCALL is seen depends on the kernel's way back, SYSRET or IRET. */
	if (gregs[REG_RIP] == (greg_t)base + 13)
		return;
	if (steps < (int)ARRAY_SIZE(codes)) {
		codes[steps] = info->si_code;
		offsets[steps] = gregs[REG_RIP] - base;
	}
	if (++steps >= 60)
		gregs[REG_EFL] &= ~0x100ll;
}

extern const uint8_t stepped[];
code_fn stepped_entry;
__asm__(".text\n"
	"stepped_entry:\n"
	"	pushfq\n"
	"	orl $0x100, (%rsp)\n"
	"	popfq\n"
	"stepped:\n"
	"	nop\n"
	"	xor %ebx, %ebx\n"
	"	inc %rbx\n"
	"	mov $39, %eax\n" /* getpid */
	"	syscall\n"
	"	nop\n"
	"	mov $3, %ecx\n"
	"0:	loop 0b\n"
	"	cpuid\n"
	"	nop\n"
	"	pushfq\n"
	"	andl $~0x100, (%rsp)\n"
	"	popfq\n"
	"	nop\n"
	"	ret\n");

int main(void)
{
	struct registers in, out;

	test_start();
	handle(SIGTRAP, on_int3, 0);
	registers_fill(&in, 1);
	base = (uintptr_t)code_int3;
	printf("int3\n");
	registers_call(&in, &out, code_int3);
	registers_equal(&in, &out, "", "int3");
	handle(SIGTRAP, on_step, 0);
	base = (uintptr_t)stepped;
	registers_call(&in, &out, stepped_entry);
	printf("steps %d:", (int)steps);
	for (int i = 0; i < steps && i < (int)ARRAY_SIZE(codes); i++)
		printf(" +%lu/%d", (unsigned long)offsets[i], codes[i]);
	printf("\nTF is off: %d\n", !(out.rflags & 0x100));
	return test_done();
}
