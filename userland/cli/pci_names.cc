/* SPDX-License-Identifier: GPL-2.0-only */
/* The database; see pci_names.h. */
#include "cli/pci_names.h"

extern "C" {
#include <pci/pci.h>
}

namespace decouple::cli
{

namespace
{

void say_nothing(char *, ...) {}

} // namespace

/* Not pci_init(), which looks for devices and ends the program where it finds no way to them; so what that would set is set here. */
PciNames::PciNames() : access_(pci_alloc())
{
	access_->warning = say_nothing;
	access_->debug = say_nothing;
}

void PciNames::Free::operator()(pci_access *access) const
{
	pci_free_name_list(access);
	pci_cleanup(access);
}

std::string PciNames::pci_class(const PciFunction &function) const
{
	char name[128];
	return pci_lookup_name(access_.get(), name, sizeof(name), PCI_LOOKUP_CLASS, function.pci_class >> 8);
}

std::string PciNames::vendor(const PciFunction &function) const
{
	char name[128];
	return pci_lookup_name(access_.get(), name, sizeof(name), PCI_LOOKUP_VENDOR, function.vendor);
}

std::string PciNames::device(const PciFunction &function) const
{
	char name[128];
	return pci_lookup_name(access_.get(), name, sizeof(name), PCI_LOOKUP_DEVICE, function.vendor, function.device);
}

} // namespace decouple::cli
