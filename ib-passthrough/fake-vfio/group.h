/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A VFIO group with one function in it, which is the model: the files that a driver opens and the ioctls that it does. What
 * libmlx5 and our own driver use is there, with the errors that vfio_iommu_type1 has.
 */
#ifndef DECOUPLE_FAKE_VFIO_GROUP_H
#define DECOUPLE_FAKE_VFIO_GROUP_H

#include <memory>
#include <mutex>
#include <optional>
#include <string_view>

#include "hca-model/fabric.h"
#include "hca-model/machine.h"

namespace decouple::fake_vfio
{

class Group
{
public:
	static constexpr const char *bdf = "0000:3b:00.1";

	/* For the functions below: nullopt or false leaves the call to the real one. Errors are -1 and errno. */
	std::optional<int> open(std::string_view path);
	bool exists(std::string_view path) const;
	std::optional<std::string_view> link(std::string_view path) const;
	std::optional<int> ioctl(int fd, unsigned long request, void *argument);
	/* The file is about to be closed. */
	void closing(int fd);

private:
	int open_device(const char *name);
	int device_ioctl(unsigned long request, void *argument);
	int container_ioctl(unsigned long request, void *argument);
	int set_interrupts(const void *argument);

	std::mutex mutex_; /* protects all of it */
	int container_ = -1, group_ = -1, device_ = -1; /* the program's files */
	hca::Fabric fabric_;
	std::unique_ptr<hca::Machine> machine_; /* while the device is open */
};

} // namespace decouple::fake_vfio

#endif
