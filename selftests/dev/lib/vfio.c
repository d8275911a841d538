// SPDX-License-Identifier: GPL-2.0-only
/* VFIO's group interface; see vfio.h. */
#include "vfio.h"

#include <sys/ioctl.h>

#define PCI_COMMAND 4
#define PCI_COMMAND_MEMORY 2
#define PCI_COMMAND_MASTER 4

static const char *link_target(const struct pci_function *function, const char *name, char *buffer, size_t size)
{
	char path[128];
	ssize_t n;

	snprintf(path, sizeof(path), "%s/%s", function->directory, name);
	n = readlink(path, buffer, size - 1);
	if (n < 0)
		return NULL;
	buffer[n] = 0;
	return strrchr(buffer, '/') + 1;
}

static void bind_driver(const struct pci_function *function)
{
	static const char probe[] = "/sys/bus/pci/drivers_probe";
	char buffer[256];
	const char *driver = link_target(function, "driver", buffer, sizeof(buffer));
	int fd;

	if (driver && !strcmp(driver, "vfio-pci"))
		return;
	if (driver)
		pci_write_attribute(function, "driver/unbind", function->address);
	pci_write_attribute(function, "driver_override", "vfio-pci");
	fd = MUST(open(probe, O_WRONLY | O_CLOEXEC));
	if (write(fd, function->address, strlen(function->address)) < 0) {
		printf("write %s to %s: %s\n", function->address, probe, strerror(errno));
		exit(1);
	}
	close(fd);
}

struct vfio vfio_open(const struct pci_function *function)
{
	struct vfio_region_info region = {.argsz = sizeof(region), .index = VFIO_PCI_CONFIG_REGION_INDEX};
	char buffer[256], path[64];
	const char *number = link_target(function, "iommu_group", buffer, sizeof(buffer));
	struct vfio vfio;
	uint16_t command;

	if (!number)
		test_skip("%s has no IOMMU group: no IOMMU here", function->address);
	snprintf(path, sizeof(path), "/dev/vfio/%.20s", number);
	bind_driver(function);
	vfio.container = MUST(open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC));
	vfio.group = MUST(open(path, O_RDWR | O_CLOEXEC));
	MUST(ioctl(vfio.group, VFIO_GROUP_SET_CONTAINER, &vfio.container));
	MUST(ioctl(vfio.container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU));
	vfio.device = MUST(ioctl(vfio.group, VFIO_GROUP_GET_DEVICE_FD, function->address));
	MUST(ioctl(vfio.device, VFIO_DEVICE_GET_REGION_INFO, &region));
	vfio.config = region.offset;
	MUST(pread(vfio.device, &command, sizeof(command), vfio.config + PCI_COMMAND));
	command |= PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
	MUST(pwrite(vfio.device, &command, sizeof(command), vfio.config + PCI_COMMAND));
	return vfio;
}

void vfio_memory(const struct vfio *vfio, bool on)
{
	uint16_t command;

	MUST(pread(vfio->device, &command, sizeof(command), vfio->config + PCI_COMMAND));
	command = on ? command | PCI_COMMAND_MEMORY : command & ~PCI_COMMAND_MEMORY;
	MUST(pwrite(vfio->device, &command, sizeof(command), vfio->config + PCI_COMMAND));
}

void *vfio_map_bar(const struct vfio *vfio, unsigned bar, size_t size, int prot)
{
	struct vfio_region_info region = {.argsz = sizeof(region), .index = bar};
	void *address;

	MUST(ioctl(vfio->device, VFIO_DEVICE_GET_REGION_INFO, &region));
	CHECK((region.flags & VFIO_REGION_INFO_FLAG_MMAP) && region.size >= size);
	address = mmap(NULL, size, prot, MAP_SHARED, vfio->device, region.offset);
	if (address == MAP_FAILED) {
		printf("mmap BAR %u: %s\n", bar, strerror(errno));
		exit(1);
	}
	return address;
}

void vfio_map_dma(const struct vfio *vfio, void *memory, size_t size)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)memory,
		.iova = (uintptr_t)memory,
		.size = size,
	};

	MUST(ioctl(vfio->container, VFIO_IOMMU_MAP_DMA, &map));
}

void vfio_interrupt(const struct vfio *vfio, unsigned index, int eventfd)
{
	char buffer[sizeof(struct vfio_irq_set) + sizeof(int)] __attribute__((aligned(8)));
	struct vfio_irq_set *set = (struct vfio_irq_set *)buffer;

	*set = (struct vfio_irq_set){
		.argsz = sizeof(buffer),
		.flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
		.index = index,
		.count = 1,
	};
	memcpy(set->data, &eventfd, sizeof(eventfd));
	MUST(ioctl(vfio->device, VFIO_DEVICE_SET_IRQS, set));
}
