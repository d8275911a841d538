// SPDX-License-Identifier: GPL-2.0-only
/* Faults of instructions: division, ud2, int3, hlt, in, cli, int n, bad prefixes: signal, code, address, RIP as natively. */
#include "testlib.h"
#include "registers.h"

#define PIECE(name, insn)                                                                                                      \
	extern const uint8_t name##_end[];                                                                                     \
	code_fn name;                                                                                                          \
	__asm__(".text\n" #name ":\n" insn "\n" #name "_end: ret\n")

PIECE(piece_in, "in $0x60, %al");
PIECE(piece_out, "out %al, $0x60");
PIECE(piece_out_stub, "out %al, $0xf1"); /* nothing that user code may use to talk to the stub */
PIECE(piece_cli, "cli");
PIECE(piece_sti, "sti");
PIECE(piece_lidt, "lidt (%rsp)");
PIECE(piece_mov_cr, "mov %rax, %cr3");
PIECE(piece_rdmsr, "rdmsr");
PIECE(piece_wbinvd, "wbinvd");
PIECE(piece_invlpg, "invlpg (%rax)");
PIECE(piece_swapgs, "swapgs");
PIECE(piece_sysret, "sysretq");
PIECE(piece_int_20, "int $0x20");
PIECE(piece_int_2, "int $2");
PIECE(piece_int_e, "int $14");
PIECE(piece_int_58, "int $0x58"); /* PVM calls it an invalid opcode */
PIECE(piece_int_ff, "int $255");
PIECE(piece_int_1, ".byte 0xcd, 1");
PIECE(piece_int_3, ".byte 0xcd, 3");
PIECE(piece_into, ".byte 0xce");
PIECE(piece_lock, ".byte 0xf0, 0x89, 0xc0");
PIECE(piece_bad, ".byte 0x0f, 0xff, 0xc0");
PIECE(piece_movaps, "movaps 1(%rsp), %xmm0");
PIECE(piece_bad_stack, "mov %rsp, %rbx\n movabs $0x8000000000000000, %rsp\n push %rax\n mov %rbx, %rsp");
PIECE(piece_bad_segment, "mov $0x7777, %eax\n mov %eax, %ss");
PIECE(piece_far, "ljmp *0f(%rip)\n .data\n 0: .long 0\n .word 0x10\n .text");

static const uint8_t *begin, *end;
static volatile sig_atomic_t signals;
static unsigned core;

/* Decoupled, it is the dedicated core; natively, where we keep ourselves, and not that of a home thread that was let go. */
static unsigned core_now(void)
{
	unsigned aux;

	__asm__ volatile("rdtscp" : "=c"(aux) : : "eax", "edx");
	return aux;
}

static void handler(int sig, siginfo_t *info, void *context)
{
	greg_t *gregs = ((ucontext_t *)context)->uc_mcontext.gregs;
	const uint8_t *rip = (const uint8_t *)gregs[REG_RIP], *addr = info->si_addr;

	if (core_now() != core)
		printf("  the handler runs elsewhere\n");
	signals++;
	printf("  signal %d code %d trap %lld err %llx", sig, info->si_code, gregs[REG_TRAPNO], gregs[REG_ERR]);
	if (rip >= begin && rip <= end)
		printf(" rip +%d", (int)(rip - begin));
	if (addr >= begin && addr <= end)
		printf(" addr +%d\n", (int)(addr - begin));
	else
		printf(" addr %s\n", addr ? "other" : "0");
	if (begin == (const uint8_t *)piece_bad_stack)
		gregs[REG_RSP] = gregs[REG_RBX];
	gregs[REG_RIP] = (greg_t)end;
}

#define TRY(name) try_piece(#name, name, name##_end, "rflags")

static void try_piece(const char *name, code_fn *code, const uint8_t *code_end, const char *changes)
{
	struct registers in, out;

	printf("%s\n", name);
	begin = (const uint8_t *)(uintptr_t)code;
	end = code_end;
	registers_fill(&in, 9);
	in.rcx = 0;
	core = core_now();
	registers_call(&in, &out, code);
	registers_equal(&in, &out, changes, name);
}

int main(void)
{
	static const int handled[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP};
	static char alternate[64 * 1024];
	cpu_set_t set;

	test_start();
	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	MUST(sched_setaffinity(0, sizeof(set), &set));
	MUST(sigaltstack(&(stack_t){.ss_sp = alternate, .ss_size = sizeof(alternate)}, NULL));
	for (unsigned i = 0; i < ARRAY_SIZE(handled); i++)
		handle(handled[i], handler, SA_ONSTACK);
	TRY(code_div);
	TRY(code_ud2);
	TRY(code_int3);
	TRY(code_hlt);
	TRY(piece_in);
	TRY(piece_out);
	TRY(piece_out_stub);
	TRY(piece_cli);
	TRY(piece_sti);
	TRY(piece_lidt);
	TRY(piece_mov_cr);
	TRY(piece_rdmsr);
	TRY(piece_wbinvd);
	TRY(piece_invlpg);
	TRY(piece_swapgs);
	TRY(piece_sysret);
	TRY(piece_int_20);
	TRY(piece_int_2);
	TRY(piece_int_e);
	TRY(piece_int_58);
	TRY(piece_int_ff);
	TRY(piece_int_1);
	TRY(piece_int_3);
	TRY(piece_into);
	TRY(piece_lock);
	TRY(piece_bad);
	TRY(piece_movaps);
	try_piece("stack pointer not canonical", piece_bad_stack, piece_bad_stack_end, "rbx rflags");
	try_piece("bad selector", piece_bad_segment, piece_bad_segment_end, "rax rflags");
	TRY(piece_far);
	/* Division overflow: a quotient that does not fit. */
	struct registers in = {.rax = 1, .rdx = 5, .rcx = 2, .rflags = 0x202}, out;
	begin = (const uint8_t *)(uintptr_t)code_div;
	end = code_div_end;
	printf("overflow\n");
	core = core_now();
	registers_call(&in, &out, code_div);
	printf("signals %d\n", (int)signals);
	return test_done();
}
