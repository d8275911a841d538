// SPDX-License-Identifier: GPL-2.0-only
// Files and ioctls of the group.

#include "fake-vfio/group.h"

#include <linux/vfio.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace decouple::fake_vfio
{
namespace
{

using namespace std::literals;

constexpr std::string_view container_path = "/dev/vfio/vfio"sv, group_path = "/dev/vfio/77"sv,
			   device_directory = "/sys/bus/pci/devices/0000:3b:00.1"sv,
			   group_link = "../../../../kernel/iommu_groups/77"sv;
/* Of the device's file. */
constexpr uint64_t config_offset = 16 << 20, config_size = 4096;
constexpr uint64_t first_iova = 0x10000, last_iova = (1ull << 39) - 1;

int refuse(int error)
{
	errno = error;
	return -1;
}

int file_with(const char *name, std::string_view content)
{
	const int fd = memfd_create(name, MFD_CLOEXEC);
	if (fd >= 0 && (write(fd, content.data(), content.size()) < 0 || lseek(fd, 0, SEEK_SET) < 0)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* The name of a file in the device's directory, "" for the directory; nullopt: elsewhere. */
std::optional<std::string_view> in_directory(std::string_view path)
{
	if (!path.starts_with(device_directory))
		return std::nullopt;
	path.remove_prefix(device_directory.size());
	while (path.starts_with('/'))
		path.remove_prefix(1);
	return path;
}

int iommu_info(vfio_iommu_type1_info *info)
{
	/* vfio_iommu_type1_info_cap_iova_range with one range. */
	struct Range {
		vfio_info_cap_header header;
		uint32_t count, reserved;
		vfio_iova_range range;
	};
	const uint32_t whole = sizeof(*info) + sizeof(Range);
	info->flags = VFIO_IOMMU_INFO_PGSIZES | VFIO_IOMMU_INFO_CAPS;
	info->iova_pgsizes = 1 << 12 | 1 << 21 | 1 << 30;
	info->cap_offset = 0;
	if (info->argsz >= whole) {
		const Range range = {{VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE, 1, 0}, 1, 0, {first_iova, last_iova}};
		info->cap_offset = sizeof(*info);
		std::memcpy(info + 1, &range, sizeof(range));
	}
	info->argsz = whole;
	return 0;
}

int region_info(vfio_region_info *info)
{
	info->flags = 0;
	info->size = 0;
	info->offset = 0;
	switch (info->index) {
	case VFIO_PCI_BAR0_REGION_INDEX:
		info->flags = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE | VFIO_REGION_INFO_FLAG_MMAP;
		info->size = hca::Device::bar_size;
		break;
	case VFIO_PCI_CONFIG_REGION_INDEX:
		info->flags = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;
		info->size = config_size;
		info->offset = config_offset;
		break;
	}
	return 0;
}

} // namespace

std::optional<int> Group::open(std::string_view path)
{
	const std::lock_guard lock(mutex_);
	if (path == container_path)
		return container_ = file_with("vfio", "");
	if (path == group_path)
		return group_ = file_with("vfio-group", "");
	const auto name = in_directory(path);
	if (name == "vendor"sv)
		return file_with("vendor", "0x15b3\n");
	if (name == "device"sv)
		return file_with("device", "0x101e\n"); /* ConnectX family mlx5Gen Virtual Function */
	return std::nullopt;
}

bool Group::exists(std::string_view path) const
{
	return path == group_path || in_directory(path);
}

std::optional<std::string_view> Group::link(std::string_view path) const
{
	return in_directory(path) == "iommu_group"sv ? std::optional(group_link) : std::nullopt;
}

int Group::open_device(const char *name)
{
	if (std::strcmp(name, bdf))
		return refuse(ENODEV);
	if (machine_)
		return refuse(EBUSY);
	const int fd = file_with("vfio-device", "");
	if (fd < 0 || ftruncate(fd, config_offset + config_size))
		return -1;
	const hca::Knobs knobs = hca::Knobs::from_environment();
	auto machine = hca::Machine::start(fd, fabric_.plug(static_cast<uint16_t>(knobs.lid ? knobs.lid : 9)), knobs);
	if (!machine) {
		close(fd);
		return refuse(machine.error().code);
	}
	machine_ = std::move(*machine);
	return device_ = fd;
}

int Group::container_ioctl(unsigned long request, void *argument)
{
	switch (request) {
	case VFIO_GET_API_VERSION:
		return VFIO_API_VERSION;
	case VFIO_CHECK_EXTENSION:
		return reinterpret_cast<uintptr_t>(argument) == VFIO_TYPE1v2_IOMMU;
	case VFIO_SET_IOMMU:
		return reinterpret_cast<uintptr_t>(argument) == VFIO_TYPE1v2_IOMMU ? 0 : refuse(EINVAL);
	case VFIO_IOMMU_GET_INFO:
		return iommu_info(static_cast<vfio_iommu_type1_info *>(argument));
	case VFIO_IOMMU_MAP_DMA: {
		const auto *map = static_cast<const vfio_iommu_type1_dma_map *>(argument);
		if (map->iova < first_iova || map->size > last_iova || map->iova > last_iova - map->size)
			return refuse(EINVAL);
		const int error =
			machine_ ? machine_->map().map(map->iova, reinterpret_cast<void *>(map->vaddr), map->size) : EINVAL;
		return error ? refuse(error) : 0;
	}
	case VFIO_IOMMU_UNMAP_DMA: {
		const auto *unmap = static_cast<const vfio_iommu_type1_dma_unmap *>(argument);
		const int error = machine_ ? machine_->map().unmap(unmap->iova, unmap->size) : EINVAL;
		return error ? refuse(error) : 0;
	}
	}
	return refuse(ENOTTY);
}

int Group::set_interrupts(const void *argument)
{
	const auto *set = static_cast<const vfio_irq_set *>(argument);
	if (set->index != VFIO_PCI_MSIX_IRQ_INDEX || set->start > hca::Machine::vectors ||
	    set->count > hca::Machine::vectors - set->start)
		return refuse(EINVAL);
	for (uint32_t i = 0; i < set->count; i++) {
		int32_t fd = -1;
		if (set->flags & VFIO_IRQ_SET_DATA_EVENTFD)
			std::memcpy(&fd, set->data + i * sizeof(fd), sizeof(fd));
		machine_->set_interrupt(set->start + i, fd);
	}
	return 0;
}

int Group::device_ioctl(unsigned long request, void *argument)
{
	switch (request) {
	case VFIO_DEVICE_GET_REGION_INFO:
		return region_info(static_cast<vfio_region_info *>(argument));
	case VFIO_DEVICE_GET_IRQ_INFO: {
		auto *info = static_cast<vfio_irq_info *>(argument);
		info->flags = VFIO_IRQ_INFO_EVENTFD;
		info->count = info->index == VFIO_PCI_MSIX_IRQ_INDEX ? hca::Machine::vectors : 0;
		return 0;
	}
	case VFIO_DEVICE_SET_IRQS:
		return set_interrupts(argument);
	}
	return refuse(ENOTTY);
}

std::optional<int> Group::ioctl(int fd, unsigned long request, void *argument)
{
	if (fd < 0)
		return std::nullopt;
	const std::lock_guard lock(mutex_);
	if (fd == device_ && machine_)
		return device_ioctl(request, argument);
	if (fd == container_)
		return container_ioctl(request, argument);
	if (fd != group_)
		return std::nullopt;
	switch (request) {
	case VFIO_GROUP_GET_STATUS:
		static_cast<vfio_group_status *>(argument)->flags = VFIO_GROUP_FLAGS_VIABLE;
		return 0;
	case VFIO_GROUP_SET_CONTAINER:
		return 0;
	case VFIO_GROUP_GET_DEVICE_FD:
		return open_device(static_cast<const char *>(argument));
	}
	return refuse(ENOTTY);
}

void Group::closing(int fd)
{
	if (fd < 0)
		return;
	const std::lock_guard lock(mutex_);
	if (fd == device_) {
		machine_.reset();
		device_ = -1;
	} else if (fd == container_) {
		container_ = -1;
	} else if (fd == group_) {
		group_ = -1;
	}
}

} // namespace decouple::fake_vfio
