/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Attach, recouple, observe: the operations behind the CLI, over the resident's control block.
 */
#ifndef DECOUPLE_SESSION_H
#define DECOUPLE_SESSION_H

#include <sys/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "core_claim.h"
#include "kvm_stats.h"
#include "vmm-lite/resident.h"

namespace decouple
{

enum class Reflector {
	automatic, /* the module if it is loaded and permitted */
	module,
	signal,
};

struct AttachOptions {
	std::vector<pid_t> tids; /* empty: the main thread */
	bool all = false; /* every thread of the process */
	Reflector reflector = Reflector::automatic; /* for a process that has a resident, that resident's is meant */
	bool follow = false; /* new threads and children too */
	bool or_natively = false; /* attach_stopped: after a failure the process runs natively */
	std::vector<int> cores; /* dedicated cores; empty: chosen */
	std::vector<int> service_cores; /* home threads; empty: what remains of the allowed cores */
	unsigned home_spin_us = 200;
	ApicMode apics = ApicMode::none;
	std::string follow_socket; /* see Config::follow_socket */
	std::function<void(const std::string &)> progress; /* called for steps of an operation that takes long; may be empty */
};

/* What one attach cost, in ns. */
struct AttachReport {
	pid_t pid = 0;
	std::vector<pid_t> tids; /* threads that are decoupled now */
	long stopped_ns = 0; /* time for which the application (its first thread) was stopped, all stops together */
	long total_ns = 0; /* from the call to the first guest entry of the last thread */
	std::string note; /* for the user: not every thread got a reserved core; empty: nothing to say */
};

/* Decouples threads of a running process. On failure the target is untouched and runs natively. */
Result<AttachReport> attach(pid_t pid, const AttachOptions &options);

/*
 * As attach, for a process that the caller already traces and that is in ptrace-stop (decouple run). The stop is consumed, but for this:
 * after a failure without AttachOptions::or_natively the process has not executed an instruction, and the caller kills it.
 */
Result<AttachReport> attach_stopped(pid_t pid, const AttachOptions &options);

/*
 * Gives threads back (empty: all). When the last one is back, the resident is removed: threads, fds, mappings, signal action. Error
 * ETIMEDOUT: a thread does not come back, or the resident does not go.
 */
Result<std::vector<pid_t>> recouple(pid_t pid, const std::vector<pid_t> &tids);

struct ThreadStatus {
	pid_t pid, tid;
	SessionInfo info;
	bool module; /* the module is its reflector, not signal 64 */
	std::vector<KvmFigure> kvm; /* with Figures::kvm */
};

enum class Figures {
	counters, /* nobody is asked: the resident's counters are there */
	kvm, /* KVM's statistics of the vCPU too. The manager reads them; where it does not within 100 ms, they are what it read last */
};

/* Sessions of one process (Error ESRCH: no such process; an empty list: nothing decoupled). */
Result<std::vector<ThreadStatus>> status(pid_t pid, Figures figures = Figures::counters);
/* Sessions of every process that the caller may look into. */
std::vector<ThreadStatus> status_all(Figures figures = Figures::counters);

/* Control block of a process with a resident; errors: ESRCH no process, ENOENT no resident, EPERM. */
Result<Control> read_control(pid_t pid);

/* `count` recouple + decouple round trips of one decoupled thread, each in ns. */
Result<std::vector<double>> measure_round_trips(pid_t pid, pid_t tid, unsigned count);

const char *state_name(SessionState state); /* "decoupled", "paused", "recoupled" ... as in status --json */
const char *reason_text(Reason reason); /* for people */

/* Checks before an attach, each with a message that says what to do; used by attach() and by `decouple probe`. */
Result<> check_target(pid_t pid);
Result<> check_kvm();

/*
 * Chooses dedicated and service cores: reserved ones that are free and near to the process's memory, else from the cores that the cpusets of
 * caller and process allow; for the module dedicated ones from those that are granted to the caller. Errors: EBUSY no free core; EPERM a
 * named one is not granted, or none that is allowed; EINVAL, EACCES, EOPNOTSUPP a named one is out of reach.
 */
struct CoreRequest {
	std::vector<int> dedicated, service; /* named; empty: chosen */
	unsigned threads = 1;
	Reflector reflector = Reflector::automatic;
	pid_t pid = 0; /* the process; 0: a child of the caller, to be started */
	bool follow = false;
};
struct Cores {
	std::vector<int> dedicated, service;
	std::string note; /* as in AttachReport */
	std::vector<std::shared_ptr<CoreClaim>> claims; /* to be held until the sessions are there */
};
Result<Cores> choose_cores(const CoreRequest &request);

} // namespace decouple

#endif
