/* SPDX-License-Identifier: GPL-2.0-only */
/* NUMA: which node a core belongs to, how far nodes are from each other, and where a process has its memory. */
#ifndef DECOUPLE_USERLAND_NODES_H
#define DECOUPLE_USERLAND_NODES_H

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

namespace decouple
{

struct Node {
	std::vector<int> cores;
	std::map<int, int> distance; /* to other nodes, by their number; 10 is its own */
};

/* By number; empty: this kernel has no NUMA. `root`: in front of all paths, for tests. */
std::map<int, Node> read_nodes(const std::string &root = "");

/* The node with most of the process's pages; -1: not known (no right, no NUMA). Linux walks its page tables for that. */
int memory_node(pid_t pid, const std::string &root = "");

/* How far each core is from memory of that node. */
std::map<int, int> distances_from(int node, const std::map<int, Node> &nodes);

} // namespace decouple

#endif
