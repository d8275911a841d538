/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A sysfs of plain files and links with which binding of PCI functions is tested: functions in IOMMU groups, drivers that take and leave
 * them as the kernel does (driver_override included), virtual functions that come and go with sriov_numvfs.
 */
#ifndef DECOUPLE_SELFTESTS_FAKE_PCI_H
#define DECOUPLE_SELFTESTS_FAKE_PCI_H

#include "fake_host.h"
#include "userland/dev/binding.h"

namespace decouple
{

class FakePci : public FakeHost
{
public:
	FakePci()
	{
		for (const char *driver : {"vfio-pci", "nvme", "mlx5_core", "pcieport"})
			directory(std::string(pci_drivers) + driver);
		put("/sys/bus/pci/drivers_probe", "");
		put("/proc/self/mountinfo", "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n");
		add(nvme, "0x010802", "5", "nvme");
		add(hca, "0x020700", "6", "mlx5_core");
		put(pci_devices + std::string(hca) + "/sriov_totalvfs", "4\n");
		put(pci_devices + std::string(hca) + "/sriov_numvfs", "0\n");
		put(pci_devices + std::string(hca) + "/sriov_drivers_autoprobe", "1\n");
		/* Two functions behind a bridge, in one group. */
		add(bridge, "0x060400", "7", "pcieport");
		add(left, "0x020000", "7", "mlx5_core");
		add(right, "0x020000", "7", "");
	}

	static constexpr const char *nvme = "0000:05:00.0", *hca = "0000:06:00.0", *bridge = "0000:07:00.0",
				    *left = "0000:08:00.0", *right = "0000:08:00.1";

	void add(const std::string &address, const char *pci_class, const std::string &group, const std::string &driver)
	{
		const std::string path = device_root + address, where = pci_devices + address;
		directory(path);
		directory(pci_devices);
		link(path, where);
		put(where + "/class", std::string(pci_class) + "\n");
		put(where + "/vendor", "0x15b3\n");
		put(where + "/device", "0x1017\n");
		put(where + "/numa_node", "0\n");
		put(where + "/driver_override", "(null)\n");
		if (!group.empty()) {
			const std::string group_path = "/sys/kernel/iommu_groups/" + group;
			directory(group_path + "/devices");
			link(group_path, where + "/iommu_group");
			link(path, group_path + "/devices/" + address);
		}
		if (!driver.empty())
			link(pci_drivers + driver, where + "/driver");
	}
	/* A thing of a class (block, net ...) that is the function's. */
	void add_below(const std::string &address, const std::string &at, const std::string &class_path)
	{
		const std::string path = device_root + address + at;
		directory(path);
		directory(class_path);
		link(path, class_path + path.substr(path.rfind('/')));
	}
	void directory(const std::string &path) const { fs::create_directories(at(path)); }
	void link(const std::string &to, const std::string &path) const { fs::create_directory_symlink(at(to), at(path)); }
	void remove_group_links(const std::string &address) const { fs::remove(at(pci_devices + address + "/iommu_group")); }
	std::string driver(const std::string &address) const { return driver_of(*this, pci_devices + address); }

	/* Every file with its bytes, and where every link leads. */
	std::map<std::string, std::string> state() const
	{
		auto files = snapshot();
		for (const auto &entry : fs::recursive_directory_iterator(at("/sys")))
			if (entry.is_symlink())
				files[entry.path().string().substr(at("").size())] = fs::read_symlink(entry.path()).filename();
		return files;
	}

	std::string stubborn; /* a driver that takes nothing */

	Result<> write(const std::string &path, const std::string &bytes) override
	{
		const std::string text = trimmed(bytes), name = path.substr(path.rfind('/') + 1);
		if (path.starts_with(pci_drivers) && (name == "bind" || name == "unbind")) {
			before_change();
			return name == "bind" ? bind(driver_in(path), text) : unbind(driver_in(path), text);
		}
		if (name == "driver_override" && text.empty())
			return FakeHost::write(path, "(null)");
		if (name == "sriov_numvfs")
			return make_virtual(path, text);
		return FakeHost::write(path, bytes);
	}

private:
	static constexpr const char *device_root = "/sys/devices/pci0000:00/";

	static std::string driver_in(const std::string &path)
	{
		const std::string rest = path.substr(strlen(pci_drivers));
		return rest.substr(0, rest.find('/'));
	}
	/* As the kernel: an override allows that driver only, and vfio-pci takes nothing without one. */
	Result<> bind(const std::string &driver, const std::string &address)
	{
		const std::string where = pci_devices + address, allowed = trimmed(get(where + "/driver_override"));
		if (!driver_of(*this, where).empty() || driver == stubborn)
			return fail(EBUSY, "busy");
		if (allowed == "(null)" ? driver == vfio_driver : driver != allowed)
			return fail(ENODEV, "No such device");
		link(pci_drivers + driver, where + "/driver");
		return {};
	}
	Result<> unbind(const std::string &driver, const std::string &address)
	{
		if (driver_of(*this, pci_devices + address) != driver)
			return fail(ENODEV, "No such device");
		fs::remove(at(pci_devices + address + "/driver"));
		return {};
	}
	Result<> make_virtual(const std::string &path, const std::string &text)
	{
		before_change();
		const std::string where = path.substr(0, path.rfind('/'));
		const std::string stem = where.substr(where.rfind('/') + 1, 11);
		const int was = std::stoi(get(path)), count = std::stoi(text);
		for (int i = 0; i < was; i++) {
			const std::string address = stem + std::to_string(i + 1);
			fs::remove(at(where + "/virtfn" + std::to_string(i)));
			fs::remove(at(pci_devices + address));
			fs::remove_all(at("/sys/kernel/iommu_groups/2" + std::to_string(i)));
			fs::remove_all(at(device_root + address));
		}
		for (int i = 0; i < count; i++) {
			const std::string address = stem + std::to_string(i + 1);
			const bool probe = trimmed(get(where + "/sriov_drivers_autoprobe")) == "1";
			add(address, "0x020700", "2" + std::to_string(i), probe ? "mlx5_core" : "");
			link(where, pci_devices + address + "/physfn");
			link(pci_devices + address, where + "/virtfn" + std::to_string(i));
		}
		put(path, text + "\n");
		return {};
	}
};

} // namespace decouple

#endif
