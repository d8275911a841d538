/* SPDX-License-Identifier: GPL-2.0-only */
/* Names of PCI vendors, devices and classes, from the database of libpci; numbers where that has none. */
#ifndef DECOUPLE_CLI_PCI_NAMES_H
#define DECOUPLE_CLI_PCI_NAMES_H

#include <memory>
#include <string>

#include "dev/function.h"

struct pci_access;

namespace decouple::cli
{

class PciNames
{
public:
	PciNames();
	std::string pci_class(const PciFunction &function) const;
	std::string vendor(const PciFunction &function) const;
	std::string device(const PciFunction &function) const;

private:
	struct Free {
		void operator()(pci_access *access) const;
	};
	std::unique_ptr<pci_access, Free> access_;
};

} // namespace decouple::cli

#endif
