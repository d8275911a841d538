// SPDX-License-Identifier: GPL-2.0-only
// Files of a verbs device.

#include "verbs/sysfs.h"

#include <cstdio>
#include <filesystem>
#include <fstream>

namespace decouple::verbs
{
namespace
{

using namespace std::literals;

/* No std::string: this is used while objects of other files are still to be made. */
constexpr const char *port = "/class/infiniband/mlx5_0/ports/1";

Result<> write_file(const std::string &path, const std::string &line)
{
	std::error_code error;
	std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
	std::ofstream file(path);
	file << line << '\n';
	file.close();
	return error || !file ? fail(EIO, "cannot write " + path) : Result<>();
}

} // namespace

Result<> make_sysfs(const std::string &root)
{
	const std::string verbs = "/class/infiniband_verbs", device = "/class/infiniband/mlx5_0";
	const std::pair<std::string, std::string> files[] = {
		{verbs + "/abi_version", "6"},
		{verbs + "/uverbs0/ibdev", "mlx5_0"},
		{verbs + "/uverbs0/abi_version", "1"},
		{verbs + "/uverbs0/dev", std::to_string(device_major) + ":" + std::to_string(device_minor)},
		{device + "/device/vendor", "0x15b3"},
		{device + "/device/device", "0x101b"},
		{device + "/device/modalias", "pci:v000015B3d0000101Bsv000015B3sd00000001bc02sc07i00"},
		{device + "/node_type", "1: CA"},
		{device + "/node_guid", "0002:c903:0000:0000"},
		{device + "/board_id", "DECOUPLE_MODEL"},
		{device + "/hca_type", "model"},
		{device + "/fw_ver", "20.40.1000"},
		{port + "/pkeys/0"s, "0xffff"},
		{port + "/gid_attrs/types/0"s, "IB/RoCE v1"},
	};
	for (const auto &[path, line] : files)
		if (auto written = write_file(root + path, line); !written)
			return written;
	return write_gid(root, 0);
}

Result<> write_gid(const std::string &root, uint64_t guid)
{
	char text[40];
	std::snprintf(text, sizeof(text), "fe80:0000:0000:0000:%04x:%04x:%04x:%04x", unsigned(guid >> 48 & 0xffff),
		      unsigned(guid >> 32 & 0xffff), unsigned(guid >> 16 & 0xffff), unsigned(guid & 0xffff));
	return write_file(root + port + "/gids/0", text);
}

} // namespace decouple::verbs
