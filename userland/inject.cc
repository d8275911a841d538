/* SPDX-License-Identifier: GPL-2.0-only */
/* Injection by a bootstrap in the vDSO's slack; see inject.h and bootstrap.h. */
#include "inject.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <string>
#include <vector>

#include "bootstrap.h"
#include "checks.h"
#include "clock.h"
#include "decouple/gate.h"
#include "module.h"
#include "proc.h"

extern "C" const char resident_image[], resident_image_end[];

namespace decouple
{

constexpr uint64_t page = 4096;
constexpr uint64_t reserved_bit = 1ull << 63;
constexpr uint64_t patience_ticks = 150; /* the bootstrap waits so many hundredths of a second for the image */
constexpr long patience_ns = 8'000'000'000; /* a starved target comes to its bootstrap late */
constexpr uint64_t user_end = 0x7ffffffff000;

/* Where the bootstrap goes: the zero bytes at the vDSO's end, or where an earlier bootstrap left its code. */
static Result<uint64_t> find_slack(pid_t tid, const std::vector<MapLine> &maps)
{
	auto vdso = std::find_if(maps.begin(), maps.end(), [](const MapLine &m) { return m.name == "[vdso]"; });
	if (vdso == maps.end())
		return fail(ENOTSUP, "process has no vDSO (kernel booted with vdso=0?): it can't be attached");
	std::vector<char> bytes(vdso->end - vdso->start);
	if (!read_memory(tid, vdso->start, bytes.data(), bytes.size()))
		return fail_errno("can't read the vDSO of thread " + std::to_string(tid));
	size_t size = static_cast<size_t>(bootstrap_end - bootstrap_code),
	       code = static_cast<size_t>(bootstrap_data - bootstrap_code);
	size_t at = (bytes.size() - size) & ~size_t{63};
	bool ours = std::equal(bootstrap_code, bootstrap_code + code, bytes.begin() + static_cast<long>(at));
	bool zero = std::all_of(bytes.begin() + static_cast<long>(at), bytes.end(), [](char c) { return c == 0; });
	if (!ours && !zero)
		return fail(ENOTSUP, "the vDSO of process has less than " + std::to_string(size) +
					     " unused bytes: it can't be attached");
	return vdso->start + at;
}

/* The middle of the largest hole: away from everything that grows. */
static uint64_t find_hole(const std::vector<MapLine> &maps, uint64_t size)
{
	uint64_t best = 0, best_size = 0, last = 0x10000;
	for (const MapLine &m : maps) {
		uint64_t end = std::min(m.start, user_end);
		if (end > last && end - last > best_size) {
			best = last;
			best_size = end - last;
		}
		last = std::max(last, m.end);
	}
	return best_size < 2 * size ? 0 : (best + (best_size - size) / 2) & ~(page - 1);
}

/*
 * A controller may have died with a thread in the bootstrap. That ends by itself, in a second at most; until then neither its registers
 * are the application's nor may its data be touched.
 */
static Result<> wait_bootstrap_free(pid_t pid, pid_t tid, uint64_t slack)
{
	BootstrapData old;
	if (!read_memory(tid, slack + static_cast<uint64_t>(bootstrap_data - bootstrap_code), &old, sizeof(old)) || !old.tid)
		return {};
	auto owner = static_cast<pid_t>(old.tid);
	uint64_t end = slack + static_cast<uint64_t>(bootstrap_end - bootstrap_code);
	for (long deadline = monotonic_ns() + 2 * patience_ns; monotonic_ns() < deadline;) {
		auto s = read_task_status(pid, owner);
		if (!s || s->state == 'Z' || s->state == 'X')
			return {};
		{
			auto stopped = TRY(Stopped::stop(owner));
			auto r = TRY(stopped.registers());
			if (r.rip < slack || r.rip >= end)
				return {};
		}
		timespec t = {0, 20'000'000};
		nanosleep(&t, nullptr);
	}
	return fail(EBUSY, "thread " + std::to_string(owner) + " hangs in an earlier attach");
}

/* A new thread's last instruction in the slack is behind it: it is in a system call, or has computed since. */
static bool has_passed(pid_t pid, pid_t tid)
{
	constexpr uint64_t enough_ns = 1'000'000;
	constexpr timespec moment = {0, 500'000};
	const std::string task = "/proc/" + std::to_string(pid) + "/task/" + std::to_string(tid);
	uint64_t begin = 0, ran = 0;
	for (int tries = 0; tries < 200; tries++, nanosleep(&moment, nullptr)) {
		std::string call;
		if (!(std::ifstream(task + "/schedstat") >> ran))
			return true; /* it has ended */
		if (!begin)
			begin = ran;
		if (ran - begin > enough_ns || (std::ifstream(task + "/syscall") >> call && isdigit(call[0])))
			return true;
	}
	return false;
}

void erase_bootstrap(pid_t pid, pid_t tid, bool children)
{
	auto tids = children ? threads_of(pid) : std::vector<pid_t>{};
	if (!std::all_of(tids.begin(), tids.end(), [pid](pid_t t) { return has_passed(pid, t); }))
		return;

	auto maps = read_maps(pid, tid);
	auto slack = maps ? find_slack(tid, *maps) : fail(ESRCH, "");
	if (!slack || !wait_bootstrap_free(pid, tid, *slack))
		return;
	std::vector<char> zeros(static_cast<size_t>(bootstrap_end - bootstrap_code));
	(void)ForcedMemory::open(tid).write(*slack, zeros.data(), zeros.size());
}

static BootstrapData bootstrap_for(const user_regs_struct &r, uint64_t mask, uint64_t base, const ImageHeader &h)
{
	BootstrapData d = {};
	d.all_signals = ~0ull;
	d.mask = mask;
	d.base = base;
	d.size = h.image_size;
	d.magic = resident_magic[0];
	d.patience = patience_ticks;
	d.init = base + h.init_entry;
	d.stack = base + h.init_stack;
	d.rip = r.rip, d.rsp = r.rsp, d.rflags = r.eflags;
	d.rax = r.rax, d.rbx = r.rbx, d.rcx = r.rcx, d.rdx = r.rdx, d.rsi = r.rsi, d.rdi = r.rdi, d.rbp = r.rbp;
	d.r8 = r.r8, d.r9 = r.r9, d.r10 = r.r10, d.r11 = r.r11, d.r12 = r.r12, d.r13 = r.r13, d.r14 = r.r14, d.r15 = r.r15;
	return d;
}

/* The registers with which a stopped thread enters the bootstrap's code. */
static user_regs_struct entry_registers(user_regs_struct r, uint64_t at)
{
	r.rip = at;
	r.eflags &= ~0x44500ull; /* TF DF NT AC */
	return r;
}

/*
 * Waits until the target has done something. In short naps first, as the application stands still meanwhile; then in longer ones, for a
 * controller of real-time priority on the target's own core would leave it nothing but context switches.
 */
template <class Done> static bool poll_until(long deadline_ns, Done done)
{
	for (unsigned tries = 0; errno = 0, !done(); tries++) {
		if (errno == ESRCH || monotonic_ns() > deadline_ns) /* gone, or not coming */
			return false;
		if (tries > 200) {
			timespec t = {0, tries > 240 ? 50'000 : 5'000};
			nanosleep(&t, nullptr);
		}
	}
	return true;
}

/* Puts the bootstrap in place, to end with these registers and this mask. `behind`: how much lies behind the image and goes with it. */
static Result<> write_bootstrap(pid_t tid, const Stopped &stopped, const ForcedMemory &memory, uint64_t slack,
				const user_regs_struct &after, uint64_t mask, uint64_t base, uint64_t behind)
{
	const auto &header = *reinterpret_cast<const ImageHeader *>(resident_image);
	std::vector<char> blob(bootstrap_code, bootstrap_end);
	BootstrapData data = bootstrap_for(after, mask, base, header);
	data.size += behind;
	data.tid = static_cast<uint64_t>(tid);
	memcpy(blob.data() + (bootstrap_data - bootstrap_code), &data, sizeof(data));
	return stopped.poke(memory, slack, blob.data(), blob.size());
}

static Result<> try_unmap_image(pid_t pid, pid_t tid, uint64_t base, uint64_t behind)
{
	auto maps = TRY(read_maps(pid, tid));
	uint64_t slack = TRY(find_slack(tid, maps));
	TRY(wait_bootstrap_free(pid, tid, slack));
	auto memory = ForcedMemory::open(tid);
	{
		auto stopped = TRY(Stopped::stop(tid));
		user_regs_struct r = TRY(stopped.registers());
		uint64_t mask = TRY(stopped.signal_mask());
		restart_interrupted_call(r, would_be_interrupted(pid, tid, r, mask));
		TRY(write_bootstrap(tid, stopped, memory, slack, r, mask, base, behind));
		r = entry_registers(r, slack + static_cast<uint64_t>(bootstrap_unmap - bootstrap_code));
		r.rbx = base;
		TRY(stopped.set_registers(r));
	}
	uint64_t word;
	poll_until(monotonic_ns() + patience_ns, [&] { return !read_memory(tid, base, &word, sizeof(word)); });
	return {};
}

void unmap_image(pid_t pid, pid_t tid, uint64_t base, uint64_t behind)
{
	(void)try_unmap_image(pid, tid, base, behind);
}

Result<InjectionPlan> plan_injection(pid_t pid, pid_t tid, bool by_module)
{
	const auto &header = *reinterpret_cast<const ImageHeader *>(resident_image);
	auto maps = TRY(read_maps(pid, tid));
	InjectionPlan p = {};
	p.slack = TRY(find_slack(tid, maps));
	TRY(wait_bootstrap_free(pid, tid, p.slack));
	p.memory = ForcedMemory::open(tid);
	p.by_module = by_module;
	p.base = find_hole(maps, header.image_size + (by_module ? DECOUPLE_GATE_SIZE : 0));
	if (!p.base)
		return fail(ENOMEM, "no room in the address space of process " + std::to_string(pid) + " for the resident");
	p.image.assign(resident_image, resident_image_end);
	memset(p.image.data(), 0, sizeof(uint64_t));
	return p;
}

/* Waits for the end of the resident's first call. */
static Control wait_init(pid_t tid, uint64_t control, long deadline)
{
	Control c = {};
	constexpr size_t head = offsetof(Control, mailbox);
	poll_until(deadline,
		   [&] { return read_memory(tid, control, &c, head) && (c.init_done_tsc || c.state != ResidentState::fresh); });
	return c;
}

/* What the resident leaves by, when nothing of its image may be needed any more. */
static void name_slack_code(InjectionPlan &plan)
{
	plan.config.vdso_farewell = plan.slack + static_cast<uint64_t>(bootstrap_farewell - bootstrap_code);
	plan.config.vdso_release = plan.slack + static_cast<uint64_t>(bootstrap_release - bootstrap_code);
}

Result<Injection> inject_by_module(pid_t pid, pid_t tid, std::optional<Stopped> held, InjectionPlan plan, const Config &config)
{
	const auto &header = *reinterpret_cast<const ImageHeader *>(resident_image);
	auto module = TRY(Module::bind(pid));
	plan.config = config;
	TRY(module.use_cores({config.cores, config.cores + config.core_count}));
	plan.config.gate = TRY(module.map(plan.base, header.image_size));
	name_slack_code(plan);
	uint64_t control = plan.base + header.control;
	memcpy(plan.image.data(), &resident_magic[0], sizeof(uint64_t));
	/* Of the bootstrap only the manager's last steps are needed. */
	std::vector<char> blob(bootstrap_code, bootstrap_end);
	if (!write_memory(tid, plan.base, plan.image.data(), plan.image.size()) ||
	    !write_memory(tid, control, &plan.config, sizeof(plan.config)) ||
	    !plan.memory.write(plan.slack, blob.data(), blob.size()))
		return fail_errno("can't write the resident to process " + std::to_string(pid));
	if (auto started = module.start(tid, plan.base + header.module_init_entry, plan.base + header.init_stack); !started) {
		erase_bootstrap(pid, tid, false);
		return std::unexpected(started.error()); /* the module takes its mappings back */
	}
	if (held)
		held->detach();
	Control c = config.hold ? Control{} : wait_init(tid, control, monotonic_ns() + patience_ns);
	return Injection{plan.base, control, c.init_done_tsc > c.init_begin_tsc ? c.init_done_tsc - c.init_begin_tsc : 0};
}

Result<Injection> inject(pid_t pid, pid_t tid, Stopped stopped, InjectionPlan plan, const Config &config)
{
	TRY(check_stopped(stopped, tid));
	auto begin_tsc = __rdtsc();
	const auto &header = *reinterpret_cast<const ImageHeader *>(resident_image);
	user_regs_struct original = TRY(stopped.registers());
	uint64_t mask = TRY(stopped.signal_mask());
	user_regs_struct after = original;
	restart_interrupted_call(after, would_be_interrupted(pid, tid, original, mask));

	plan.config = config;
	if (Handover h = config.hold ? Handover{} : stopped.rseq(); h.rseq) {
		plan.config.rseq_offset = h.rseq - original.fs_base;
		plan.config.rseq_len = h.rseq_len;
		plan.config.rseq_sig = h.rseq_sig;
	}
	if (config.hold) { /* its capture follows at once */
		plan.config.hold_reserved_blocked = (mask & reserved_bit) != 0;
		mask &= ~reserved_bit;
	}
	TRY(write_bootstrap(tid, stopped, plan.memory, plan.slack, after, mask, plan.base, 0));
	TRY(stopped.set_registers(entry_registers(after, plan.slack)));
	stopped.detach();

	/* The mapping appears; then the image, and its first word last. */
	name_slack_code(plan);
	long deadline = monotonic_ns() + patience_ns;
	uint64_t control = plan.base + header.control;
	bool mapped = poll_until(deadline, [&] { return write_memory(tid, plan.base, plan.image.data(), plan.image.size()); });
	if (!mapped || !write_memory(tid, control, &plan.config, sizeof(plan.config)) ||
	    !write_memory(tid, plan.base, &resident_magic[0], sizeof(uint64_t))) {
		erase_bootstrap(pid, tid, false);
		return fail(EAGAIN, "thread " + std::to_string(tid) +
					    " did not map the resident (stopped, out of memory, or executable memory "
					    "forbidden); nothing was changed");
	}
	Control c = wait_init(tid, control, deadline);
	return Injection{plan.base, control, c.init_done_tsc > begin_tsc ? c.init_done_tsc - begin_tsc : 0};
}

} // namespace decouple
