// SPDX-License-Identifier: GPL-2.0-only
// The model in this process.

#include "function/model_access.h"

#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "function/iova_space.h"
#include "hca-model/machine.h"
#include "hca-model/socket_wire.h"

namespace decouple
{
namespace
{

class ModelAccess : public Access
{
public:
	~ModelAccess() override
	{
		machine_.reset();
		if (bar_ != MAP_FAILED)
			munmap(bar_, hca::Device::bar_size);
		for (int fd : {bar_file_, event_fd_})
			if (fd >= 0)
				close(fd);
	}

	Result<> start()
	{
		const hca::Knobs knobs = hca::Knobs::from_environment();
		bar_file_ = memfd_create("hca-bar", MFD_CLOEXEC);
		event_fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (bar_file_ < 0 || event_fd_ < 0 || ftruncate(bar_file_, hca::Device::bar_size))
			return fail_errno("files of the model");
		bar_ = map_bar(nullptr, hca::Device::bar_size, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
		if (bar_ == MAP_FAILED)
			return fail_errno("map the BAR of the model");
		auto wire = TRY(hca::open_wire(knobs));
		machine_ = TRY(hca::Machine::start(bar_file_, std::move(wire), knobs));
		machine_->set_interrupt(0, event_fd_);
		return {};
	}

	hca::MutableBytes bar() override { return {static_cast<uint8_t *>(bar_), hca::Device::bar_size}; }

	Result<uint64_t> map(void *memory, size_t len) override
	{
		const auto iova = space_.take(len);
		if (!iova)
			return fail(ENOMEM, "no addresses are left");
		if (int error = machine_->map().map(*iova, memory, len)) {
			space_.give(*iova);
			return fail(error, "map memory for the model");
		}
		return *iova;
	}

	void unmap(uint64_t iova, size_t len) override
	{
		machine_->map().unmap(iova, len);
		space_.give(iova);
	}

	Result<int> interrupt() override { return event_fd_; }

	void *map_bar(void *address, size_t len, int protection, int flags, off_t offset) override
	{
		return mmap(address, len, protection, flags, bar_file_, offset);
	}

private:
	int bar_file_ = -1, event_fd_ = -1;
	void *bar_ = MAP_FAILED;
	std::unique_ptr<hca::Machine> machine_;
	IovaSpace space_{0x10000, (1ull << 39) - 1};
};

} // namespace

Result<std::unique_ptr<Access>> open_model()
{
	auto access = std::make_unique<ModelAccess>();
	TRY(access->start());
	return access;
}

} // namespace decouple
