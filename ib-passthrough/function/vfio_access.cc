// SPDX-License-Identifier: GPL-2.0-only
// VFIO: group, container, IOMMU of type 1, one MSI-X vector.

#include "function/vfio_access.h"

#include <fcntl.h>
#include <linux/vfio.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <climits>
#include <optional>
#include <vector>

#include "function/iova_space.h"

namespace decouple
{
namespace
{

class VfioAccess : public Access
{
public:
	~VfioAccess() override
	{
		if (bar_ != MAP_FAILED)
			munmap(bar_, region_.size);
		for (int fd : {device_, group_, container_, event_fd_})
			if (fd >= 0)
				close(fd);
	}

	Result<> start(const std::string &bdf)
	{
		TRY(open_group(bdf));
		TRY(read_ranges());
		device_ = ioctl(group_, VFIO_GROUP_GET_DEVICE_FD, bdf.c_str());
		if (device_ < 0)
			return fail_errno("open " + bdf);
		TRY(enable_bus_master());
		region_ = {.argsz = sizeof(region_),
			   .flags = 0,
			   .index = VFIO_PCI_BAR0_REGION_INDEX,
			   .cap_offset = 0,
			   .size = 0,
			   .offset = 0};
		if (ioctl(device_, VFIO_DEVICE_GET_REGION_INFO, &region_))
			return fail_errno("size of BAR 0");
		bar_ = map_bar(nullptr, region_.size, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
		if (bar_ == MAP_FAILED)
			return fail_errno("map BAR 0");
		return set_interrupt();
	}

	hca::MutableBytes bar() override { return {static_cast<uint8_t *>(bar_), region_.size}; }

	Result<uint64_t> map(void *memory, size_t len) override
	{
		const auto iova = space_->take(len);
		if (!iova)
			return fail(ENOMEM, "no addresses are left");
		vfio_iommu_type1_dma_map map = {.argsz = sizeof(map),
						.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
						.vaddr = reinterpret_cast<uintptr_t>(memory),
						.iova = *iova,
						.size = len};
		if (ioctl(container_, VFIO_IOMMU_MAP_DMA, &map)) {
			auto error = fail_errno("map memory for the device");
			space_->give(*iova);
			return error;
		}
		return *iova;
	}

	void unmap(uint64_t iova, size_t len) override
	{
		vfio_iommu_type1_dma_unmap unmap = {.argsz = sizeof(unmap), .flags = 0, .iova = iova, .size = len};
		ioctl(container_, VFIO_IOMMU_UNMAP_DMA, &unmap);
		space_->give(iova);
	}

	Result<int> interrupt() override { return event_fd_; }

	void *map_bar(void *address, size_t len, int protection, int flags, off_t offset) override
	{
		return mmap(address, len, protection, flags, device_, static_cast<off_t>(region_.offset) + offset);
	}

private:
	Result<> open_group(const std::string &bdf)
	{
		char link[PATH_MAX];
		const std::string path = "/sys/bus/pci/devices/" + bdf + "/iommu_group";
		const ssize_t len = readlink(path.c_str(), link, sizeof(link));
		if (len < 0)
			return fail_errno(path);
		std::string name(link, static_cast<size_t>(len));
		name = "/dev/vfio/" + name.substr(name.rfind('/') + 1);
		container_ = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
		if (container_ < 0)
			return fail_errno("/dev/vfio/vfio");
		group_ = open(name.c_str(), O_RDWR | O_CLOEXEC);
		if (group_ < 0)
			return fail_errno(name + " (is the function bound to vfio-pci?)");
		vfio_group_status status = {.argsz = sizeof(status), .flags = 0};
		if (ioctl(group_, VFIO_GROUP_GET_STATUS, &status))
			return fail_errno("status of " + name);
		if (!(status.flags & VFIO_GROUP_FLAGS_VIABLE))
			return fail(EBUSY, name + ": another device of the group has a driver of the host");
		if (ioctl(container_, VFIO_GET_API_VERSION) != VFIO_API_VERSION ||
		    ioctl(container_, VFIO_CHECK_EXTENSION, VFIO_TYPE1v2_IOMMU) != 1)
			return fail(EOPNOTSUPP, "VFIO has no IOMMU of type 1, version 2");
		if (ioctl(group_, VFIO_GROUP_SET_CONTAINER, &container_) ||
		    ioctl(container_, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
			return fail_errno("IOMMU of " + name);
		return {};
	}

	/* Takes the largest range of addresses that the IOMMU has. */
	Result<> read_ranges()
	{
		std::vector<uint64_t> space(512); /* of words, for alignment */
		auto *info = reinterpret_cast<vfio_iommu_type1_info *>(space.data());
		info->argsz = static_cast<uint32_t>(space.size() * sizeof(space[0]));
		if (ioctl(container_, VFIO_IOMMU_GET_INFO, info))
			return fail_errno("ranges of the IOMMU");
		const auto *start = reinterpret_cast<const uint8_t *>(info);
		uint64_t first = 0, last = 0;
		for (uint32_t at = info->flags & VFIO_IOMMU_INFO_CAPS ? info->cap_offset : 0; at;) {
			const auto *header = reinterpret_cast<const vfio_info_cap_header *>(start + at);
			const auto *ranges = reinterpret_cast<const vfio_iommu_type1_info_cap_iova_range *>(header);
			if (header->id == VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE)
				for (uint32_t i = 0; i < ranges->nr_iovas; i++)
					if (ranges->iova_ranges[i].end - ranges->iova_ranges[i].start > last - first) {
						first = ranges->iova_ranges[i].start;
						last = ranges->iova_ranges[i].end;
					}
			at = header->next;
		}
		if (last == first)
			return fail(EOPNOTSUPP, "the IOMMU tells no range of addresses");
		/* Address 0 is left out: to a reader of logs it looks like a mistake. */
		space_.emplace(std::max<uint64_t>(first, 1 << 16), last);
		return {};
	}

	Result<> enable_bus_master()
	{
		constexpr off_t command_register = 4;
		const uint16_t memory_and_master = 2 | 4;
		vfio_region_info config = {.argsz = sizeof(config),
					   .flags = 0,
					   .index = VFIO_PCI_CONFIG_REGION_INDEX,
					   .cap_offset = 0,
					   .size = 0,
					   .offset = 0};
		if (ioctl(device_, VFIO_DEVICE_GET_REGION_INFO, &config) ||
		    pwrite(device_, &memory_and_master, sizeof(memory_and_master),
			   static_cast<off_t>(config.offset) + command_register) != sizeof(memory_and_master))
			return fail_errno("enable DMA");
		return {};
	}

	Result<> set_interrupt()
	{
		event_fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (event_fd_ < 0)
			return fail_errno("eventfd");
		/* A vfio_irq_set with one eventfd behind it. */
		uint32_t argument[(sizeof(vfio_irq_set) + sizeof(int32_t)) / sizeof(uint32_t)] = {};
		auto *set = reinterpret_cast<vfio_irq_set *>(argument);
		set->argsz = sizeof(argument);
		set->flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER;
		set->index = VFIO_PCI_MSIX_IRQ_INDEX;
		set->count = 1;
		std::memcpy(set->data, &event_fd_, sizeof(event_fd_));
		if (ioctl(device_, VFIO_DEVICE_SET_IRQS, argument))
			return fail_errno("interrupt of the function");
		return {};
	}

	int container_ = -1, group_ = -1, device_ = -1, event_fd_ = -1;
	vfio_region_info region_ = {};
	void *bar_ = MAP_FAILED;
	std::optional<IovaSpace> space_;
};

} // namespace

Result<std::unique_ptr<Access>> open_vfio(const std::string &bdf)
{
	auto access = std::make_unique<VfioAccess>();
	TRY(access->start(bdf));
	return access;
}

} // namespace decouple
