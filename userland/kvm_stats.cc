/* SPDX-License-Identifier: GPL-2.0-only */
/* See kvm_stats.h. */
#include "kvm_stats.h"

#include <linux/kvm.h>

#include <algorithm>
#include <cstring>
#include <span>

namespace decouple
{
namespace
{

/* struct kvm_stats_desc without its name, which has no size: in C++ some versions of the header give it one. */
struct Descriptor {
	uint32_t flags;
	int16_t exponent;
	uint16_t size;
	uint32_t offset, bucket_size;
};

using File = std::span<const uint8_t>;

/* A T at `offset`, if the file goes that far. */
template <class T> bool get(File file, uint64_t offset, T *to)
{
	if (offset > file.size() || file.size() - offset < sizeof(T))
		return false;
	std::memcpy(to, file.data() + offset, sizeof(T));
	return true;
}

/* Up to the first byte that no name of KVM's has. */
std::string name_at(File file, uint64_t offset, uint32_t size)
{
	std::string name;
	for (char c; size-- && get(file, offset++, &c) && c > ' ' && c <= '~';)
		name += c;
	return name;
}

} // namespace

std::vector<KvmFigure> kvm_figures(const KvmStats &stats)
{
	const File file(stats.file, std::min<size_t>(stats.size, sizeof(stats.file)));
	const File base(stats.base, std::min<size_t>(stats.base_size, sizeof(stats.base)));
	std::vector<KvmFigure> figures;
	kvm_stats_header header;
	if (!get(file, 0, &header))
		return figures;
	const uint64_t step = sizeof(Descriptor) + header.name_size;
	uint64_t at = header.desc_offset;
	for (uint32_t i = 0; i < header.num_desc; i++, at += step) {
		Descriptor desc;
		uint64_t value = 0, before = 0;
		if (!get(file, at, &desc) || !get(file, uint64_t(header.data_offset) + desc.offset, &value))
			break;
		if (desc.size != 1)
			continue;
		const bool cumulative = (desc.flags & KVM_STATS_TYPE_MASK) == KVM_STATS_TYPE_CUMULATIVE;
		if (cumulative && get(base, uint64_t(header.data_offset) + desc.offset, &before))
			value -= std::min(before, value);
		std::string name = name_at(file, at + sizeof(Descriptor), header.name_size);
		if (value && !name.empty())
			figures.push_back({std::move(name), value});
	}
	return figures;
}

uint64_t kvm_figure(const std::vector<KvmFigure> &figures, const char *name)
{
	auto found = std::ranges::find(figures, name, &KvmFigure::name);
	return found == figures.end() ? 0 : found->value;
}

} // namespace decouple
