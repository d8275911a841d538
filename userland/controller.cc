/* SPDX-License-Identifier: GPL-2.0-only */
/* Mailbox commands; see controller.h and Mailbox in vmm-lite/resident.h. */
#include "controller.h"

#include <signal.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <string>

#include "clock.h"
#include "module.h"
#include "proc.h"
#include "reserved.h"
#include "vmm-lite/setup_step.h"

namespace decouple
{

constexpr int reserved_signal = 64;
constexpr long command_patience_ns = 10'000'000'000;
constexpr long idle_manager_ns = 200'000'000; /* it looks twice as often, see vmm-lite/manager.cc: loop */
constexpr long lock_patience_ns = 20'000'000'000;

static void nap(long ns)
{
	timespec t = {0, ns};
	nanosleep(&t, nullptr);
}

const char *setup_step_name(uint32_t step)
{
	switch (static_cast<SetupStep>(step)) {
	case SetupStep::none:
		return "start";
	case SetupStep::instructions_off:
		return "decouple a thread that has switched off RDTSC or CPUID for itself (prctl PR_SET_TSC, arch_prctl "
		       "ARCH_SET_CPUID)";
	case SetupStep::map_stub:
		return "map the stub area";
	case SetupStep::signal_in_use:
		return "take signal 64, which the application uses itself";
	case SetupStep::set_signal_action:
		return "install the capture handler";
	case SetupStep::clone_manager:
		return "clone the resident's manager thread";
	case SetupStep::open_kvm:
		return "open /dev/kvm from within the process";
	case SetupStep::api_version:
		return "KVM_GET_API_VERSION";
	case SetupStep::create_vm:
		return "KVM_CREATE_VM";
	case SetupStep::stub_memory:
		return "KVM_SET_USER_MEMORY_REGION for the stub";
	case SetupStep::open_maps:
		return "read /proc/thread-self from within the process";
	case SetupStep::create_vcpu:
		return "KVM_CREATE_VCPU";
	case SetupStep::cpuid:
		return "KVM_SET_CPUID2";
	case SetupStep::xcr0:
		return "give the guest all XSAVE components that this host's programs have (XCR0; this KVM lacks some)";
	case SetupStep::msrs:
		return "KVM_SET_MSRS";
	case SetupStep::tsc_offset:
		return "KVM_VCPU_TSC_OFFSET";
	case SetupStep::sregs:
		return "KVM_SET_SREGS";
	case SetupStep::signal_mask:
		return "KVM_SET_SIGNAL_MASK";
	case SetupStep::map_run:
		return "map kvm_run";
	case SetupStep::probe_guest:
		return "run the first guest instruction";
	case SetupStep::session_memory:
		return "allocate a session";
	case SetupStep::clone_vcpu_thread:
		return "clone the vCPU thread";
	case SetupStep::place:
		return "bring the vCPU thread to its core";
	case SetupStep::wake:
		return "have the vCPU sleep in the guest and be woken there (local APIC, KVM_IRQFD)";
	case SetupStep::doorbell:
		return "connect the doorbell with the kernel module";
	case SetupStep::module_session:
		return "make a session with the kernel module";
	case SetupStep::page_tables:
		return "build guest page tables";
	}
	return "unknown step";
}

Result<Control> Controller::read() const
{
	Control c;
	if (!read_memory(manager_ ? manager_ : live_thread(pid_), control_, &c, sizeof(c)))
		return fail(errno == EPERM ? EPERM : ESRCH,
			    "can't read the resident of process " + std::to_string(pid_) + ": " + strerror(errno));
	return c;
}

Result<Controller> Controller::open(pid_t pid)
{
	pid_t tid = live_thread(pid);
	if (threads_of(pid).empty())
		return fail(ESRCH, "no process " + std::to_string(pid));
	auto image = TRY(find_resident(pid, tid));
	ImageHeader h;
	if (!read_memory(tid, image, &h, sizeof(h)))
		return fail_errno("can't read the resident of process " + std::to_string(pid));
	auto ready = wait_ready(pid, image + h.control);
	if (ready)
		return ready;
	/* An attach died behind a set-up that failed. Whether its thread has left the image is not known: that stays. */
	auto failed = at(pid, image + h.control);
	if (failed && failed->manager_ && failed->state_ == ResidentState::failed)
		(void)failed->command(Command::unload, 0, 0, 0, 0);
	return ready;
}

Result<Controller> Controller::at(pid_t pid, uint64_t control)
{
	Controller self(pid, control);
	self.take(TRY(self.read()));
	return self;
}

void Controller::serve_place() const
{
	const uint64_t place = control_ + offsetof(Control, place);
	PlaceRequest r;
	if (!read_memory(manager_, place, &r, sizeof(r)) || r.seq == r.done_seq)
		return;
	auto entered = enter_reserved(pid_, r.tid, static_cast<int>(r.core));
	place_error_ = entered ? "" : entered.error().what;
	r.result = entered ? 0 : -entered.error().code;
	if (write_memory(manager_, place + offsetof(PlaceRequest, result), &r.result, sizeof(r.result)))
		(void)write_memory(manager_, place + offsetof(PlaceRequest, done_seq), &r.seq, sizeof(r.seq));
}

void Controller::take(const Control &c)
{
	manager_ = c.manager_tid;
	image_ = c.image_base;
	gate_ = c.config.gate;
	state_ = c.state;
}

/* What to do about a set-up that failed, where it is not plain. */
static const char *hint(const Control &c)
{
	switch (static_cast<SetupStep>(c.error_step)) {
	case SetupStep::open_kvm:
		return ". The process opens it with its own rights: its user must be in the group of /dev/kvm (usually kvm), "
		       "and its "
		       "container must have the device";
	case SetupStep::clone_manager:
		return ". Decoupling takes threads of the process's own: raise its user's limit (ulimit -u, pids.max)";
	default:
		return "";
	}
}

Result<Controller> Controller::wait_ready(pid_t pid, uint64_t control)
{
	Controller self(pid, control);
	for (long deadline = monotonic_ns() + command_patience_ns;;) {
		Control c = TRY(self.read());
		self.take(c);
		if (c.place.seq != c.place.done_seq)
			self.serve_place();
		if (c.state == ResidentState::running)
			return self;
		if (c.state == ResidentState::failed && !self.place_error_.empty())
			return fail(-c.error, self.place_error_);
		if (c.state == ResidentState::failed)
			return fail(-c.error, std::string("could not ") + setup_step_name(c.error_step) + " (process " +
						      std::to_string(pid) + "): " + strerror(-c.error) + hint(c));
		if (c.state == ResidentState::dead)
			return fail(ENOENT, "the resident of process " + std::to_string(pid) + " is ending");
		if (monotonic_ns() > deadline)
			return fail(ETIMEDOUT, "the resident of process " + std::to_string(pid) +
						       " does not get ready (process stopped?)");
		nap(50'000);
	}
}

Result<std::pair<uint64_t, SessionInfo>> Controller::session(pid_t tid) const
{
	Control c = TRY(read());
	for (uint64_t address : c.sessions) {
		SessionInfo info;
		if (address && read_memory(manager_, address, &info, sizeof(info)) && info.tid == tid)
			return std::pair(address, info);
	}
	return fail(ENOENT, "thread " + std::to_string(tid) + " is not decoupled");
}

bool Controller::write(uint64_t address, const void *from, size_t size) const
{
	return write_memory(manager_, address, from, size);
}

/*
 * Wakes the manager, which waits for nothing else. Without an entry in the user's signal queue (RLIMIT_SIGPENDING) by kill(2), which the
 * kernel offers to the thread named first: only while it waits, or another one would find the signal. And not in the time in which an
 * idle manager looks by itself: that one may be about to end, and to take the signal's action with it.
 */
static bool wake_manager(pid_t pid, pid_t manager, bool idle)
{
	constexpr uint64_t reserved_bit = 1ull << (reserved_signal - 1);
	if (syscall(SYS_tgkill, pid, manager, reserved_signal) == 0)
		return true;
	if (errno != EAGAIN)
		return false;
	if (idle)
		return true;
	auto s = read_task_status(pid, manager);
	return !s || (s->blocked & reserved_bit) || kill(manager, reserved_signal) == 0;
}

bool Controller::wake(bool idle) const
{
	if (!by_module())
		return wake_manager(pid_, manager_, idle);
	auto module = Module::bind(pid_);
	return module && module->poke();
}

Result<int64_t> Controller::command(Command command, pid_t tid, unsigned core, unsigned service_core, uint64_t arg) const
{
	uint64_t mailbox = control_ + offsetof(Control, mailbox);
	Mailbox m;
	if (!read_memory(manager_, mailbox, &m, sizeof(m)))
		return fail_errno("can't reach the resident of process " + std::to_string(pid_));
	m.command = command;
	m.tid = tid;
	m.core = core;
	m.service_core = service_core;
	m.arg = arg;
	uint32_t seq = m.seq + 1;
	if (!write_memory(manager_, mailbox + offsetof(Mailbox, command), &m.command,
			  offsetof(Mailbox, result) - offsetof(Mailbox, command)) ||
	    !write_memory(manager_, mailbox + offsetof(Mailbox, seq), &seq, sizeof(seq)))
		return fail_errno("can't command the resident of process " + std::to_string(pid_));
	for (long begin = monotonic_ns(), deadline = begin + command_patience_ns, again = 0;; nap(50'000)) {
		if (monotonic_ns() > again) {
			if (!wake(monotonic_ns() - begin < idle_manager_ns))
				return fail_errno("can't wake the resident of process " + std::to_string(pid_));
			again = monotonic_ns() + 50'000'000;
		}
		if (!read_memory(manager_, mailbox, &m, sizeof(m))) {
			if (command == Command::unload)
				return 0;
			return fail(ESRCH, "process " + std::to_string(pid_) + " ended");
		}
		if (m.done_seq == seq)
			return m.result;
		serve_place();
		if (monotonic_ns() > deadline)
			return fail(ETIMEDOUT,
				    "the resident of process " + std::to_string(pid_) + " does not answer (process stopped?)");
	}
}

bool Controller::ask_kvm_stats() const
{
	const uint32_t asked = 1;
	/* With the user's signal queue full it is not worth a signal that another thread could find. */
	return write(control_ + offsetof(Control, kvm_asked), &asked, sizeof(asked)) && wake(true);
}

Result<uint32_t> Controller::kvm_answers() const
{
	uint32_t answers;
	if (!read_memory(manager_, control_ + offsetof(Control, kvm_answers), &answers, sizeof(answers)))
		return fail_errno("can't read the resident of process " + std::to_string(pid_));
	return answers;
}

Result<ProcessLock> ProcessLock::take(pid_t pid)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail_errno("can't create a socket for the lock of process " + std::to_string(pid));
	ProcessLock lock(fd);
	sockaddr_un name = {};
	name.sun_family = AF_UNIX;
	int n = snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1, "decouple-lock-%d", pid);
	auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + static_cast<size_t>(n));
	for (long deadline = monotonic_ns() + lock_patience_ns; bind(fd, reinterpret_cast<sockaddr *>(&name), size) < 0;
	     nap(1'000'000)) {
		if (errno != EADDRINUSE)
			return fail_errno("can't lock process " + std::to_string(pid));
		if (monotonic_ns() > deadline)
			return fail(EBUSY, "another decouple command is working on process " + std::to_string(pid) +
						   "; try again when it has finished");
	}
	return lock;
}

ProcessLock::~ProcessLock()
{
	if (fd_ >= 0)
		close(fd_);
}

} // namespace decouple
