// SPDX-License-Identifier: GPL-2.0-only
// Starting, watching and ending loads.

#include "load.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <new>

#include "load_work.h"
#include "placement.h"

namespace decouple::noise
{

namespace
{

struct Kind {
	const char *name;
	LoadWork work;
};

constexpr Kind kinds[] = {{"ipc", load_ipc}, {"cache", load_cache}, {"net", load_net}};

const Kind *find(const std::string &name)
{
	for (const Kind &kind : kinds)
		if (name == kind.name)
			return &kind;
	return nullptr;
}

} // namespace

Result<std::vector<std::string>> parse_loads(const std::string &text)
{
	std::vector<std::string> names;
	for (size_t at = 0; at <= text.size();) {
		const size_t comma = std::min(text.find(',', at), text.size());
		const std::string name = text.substr(at, comma - at);
		at = comma + 1;
		if (!find(name))
			return fail(EINVAL,
				    "--load " + text + ": no load is called \"" + name + "\"; there are ipc, cache and net");
		if (std::find(names.begin(), names.end(), name) != names.end())
			return fail(EINVAL, "--load " + text + ": " + name + " is given twice");
		names.push_back(name);
	}
	return names;
}

Result<Load> Load::start(const std::string &name, const std::vector<int> &cores)
{
	const Kind *kind = find(name);
	if (!kind)
		return fail(EINVAL, "no load is called " + name);
	void *memory = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return fail_errno("cannot map memory for the load " + name);
	Load load;
	load.name_ = name;
	load.shared_ = new (memory) Shared{};
	Shared &shared = *load.shared_;
	auto prepare = [&] {
		auto pinned = bench::pin(0, cores);
		return pinned ? 0 : pinned.error().code;
	};
	load.child_ = TRY(bench::Child::start("load " + name, prepare, [&] {
		shared.error.store(kind->work(shared));
		_exit(1);
	}));
	// Its first message, page or packet; some milliseconds on an idle core, longer where others compete.
	for (int i = 0; i < 10000 && !load.operations(); i++) {
		TRY(load.check());
		usleep(1000);
	}
	if (!load.operations())
		return fail(ETIMEDOUT, "load " + name + " did nothing within 10 s");
	return load;
}

Result<> Load::check()
{
	std::string how;
	const int error = shared_->error.load();
	if (!error && child_.alive(how))
		return {};
	const bool down = name_ == "net" && (error == ENETUNREACH || error == EADDRNOTAVAIL || error == ENETDOWN);
	return fail(ECHILD, "load " + name_ + " ended: " + (error ? std::strerror(error) : how.c_str()) +
				    (down ? "; is the loopback interface up (ip link set lo up)?" : ""));
}

Load::~Load()
{
	child_.kill();
	if (shared_)
		munmap(shared_, sizeof(Shared));
}

} // namespace decouple::noise
