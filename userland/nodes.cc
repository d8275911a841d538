/* SPDX-License-Identifier: GPL-2.0-only */
/* See nodes.h. Without a library: libdecouple is linked statically into programs of others, and this is two small files of sysfs. */
#include "nodes.h"

#include <charconv>
#include <fstream>
#include <sstream>

#include "core_list.h"

namespace decouple
{

std::map<int, Node> read_nodes(const std::string &root)
{
	const std::string base = root + "/sys/devices/system/node/";
	std::vector<int> online = read_core_list(base + "online"); /* the same syntax */
	std::map<int, Node> nodes;
	for (int n : online) {
		std::string directory = base + "node" + std::to_string(n) + "/";
		Node node;
		node.cores = read_core_list(directory + "cpulist");
		std::ifstream distances(directory + "distance");
		int distance;
		for (size_t i = 0; i < online.size() && distances >> distance; i++)
			node.distance[online[i]] = distance;
		nodes[n] = node;
	}
	return nodes;
}

/* "... N0=12 ... N1=3 kernelpagesize_kB=4": adds the line's pages, in KiB. */
static void add_line(const std::string &line, std::map<int, unsigned long> &sums)
{
	std::istringstream words(line);
	std::map<int, unsigned long> pages;
	unsigned long kib = 4;
	constexpr std::string_view size = "kernelpagesize_kB=";
	for (std::string word; words >> word;) {
		const char *end = word.data() + word.size();
		int node;
		unsigned long count;
		if (word.starts_with(size)) {
			std::from_chars(word.data() + size.size(), end, kib);
		} else if (word[0] == 'N') {
			auto [equals, error] = std::from_chars(word.data() + 1, end, node);
			if (error == std::errc() && equals != end && *equals == '=' &&
			    std::from_chars(equals + 1, end, count).ec == std::errc())
				pages[node] += count;
		}
	}
	for (auto [node, count] : pages)
		sums[node] += count * kib;
}

int memory_node(pid_t pid, const std::string &root)
{
	std::ifstream in(root + "/proc/" + std::to_string(pid) + "/numa_maps");
	std::map<int, unsigned long> sums;
	for (std::string line; std::getline(in, line);)
		add_line(line, sums);
	int most = -1;
	for (auto [node, kib] : sums)
		if (most < 0 || kib > sums[most])
			most = node;
	return most;
}

std::map<int, int> distances_from(int node, const std::map<int, Node> &nodes)
{
	std::map<int, int> result;
	auto from = nodes.find(node);
	if (from == nodes.end())
		return result;
	for (const auto &[other, n] : nodes)
		for (int core : n.cores)
			if (auto d = from->second.distance.find(other); d != from->second.distance.end())
				result[core] = d->second;
	return result;
}

} // namespace decouple
