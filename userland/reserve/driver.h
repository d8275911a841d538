/* SPDX-License-Identifier: GPL-2.0-only */
/* The driver of a PCI function, and how it gets another. Functions are named by their directory, /sys/bus/pci/devices/ADDRESS. */
#ifndef DECOUPLE_RESERVE_DRIVER_H
#define DECOUPLE_RESERVE_DRIVER_H

#include <string>

#include "reserve/tree.h"

namespace decouple
{

constexpr const char *pci_devices = "/sys/bus/pci/devices/", *pci_drivers = "/sys/bus/pci/drivers/", *vfio_driver = "vfio-pci";

/* Last part of where the link NAME in the directory leads; empty: there is no such link. */
std::string link_name(const Tree &tree, const std::string &directory, const std::string &name);
inline std::string driver_of(const Tree &tree, const std::string &function)
{
	return link_name(tree, function, "driver");
}

/* "process 4711 (qemu)", which has the function's VFIO group open; empty: none that we may look into. */
std::string vfio_user(const Tree &tree, const std::string &function);

/*
 * Unbinds the driver that it has, and binds `driver` (empty: none). The kernel waits for users of vfio-pci without end, so with one it is
 * error EBUSY. Error ENODEV: there is no such driver, or it does not want the function.
 */
Result<> set_driver(Tree &tree, const std::string &function, const std::string &driver);

} // namespace decouple

#endif
