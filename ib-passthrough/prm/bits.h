/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fields of the device's structures: big-endian, named by the offset of their most significant bit and their width, as its
 * manual counts them. What lies outside of the bytes that are there reads as zero and is not written: contexts come from mailboxes
 * of any length.
 */
#ifndef DECOUPLE_PRM_BITS_H
#define DECOUPLE_PRM_BITS_H

#include <endian.h>

#include <cstdint>
#include <cstring>
#include <span>

namespace decouple::hca
{

using Bytes = std::span<const uint8_t>;
using MutableBytes = std::span<uint8_t>;

/* Within a 32-bit word, or 64 bits wide at a word's start. */
struct Field {
	unsigned bit, width;

	/* The same field of a structure that begins `bytes` further on. */
	constexpr Field at(unsigned bytes) const { return {bit + 8 * bytes, width}; }
};

inline uint32_t load32(const uint8_t *from)
{
	uint32_t value;
	std::memcpy(&value, from, sizeof(value));
	return be32toh(value);
}

inline void store32(uint8_t *to, uint32_t value)
{
	value = htobe32(value);
	std::memcpy(to, &value, sizeof(value));
}

inline uint64_t get(Bytes bytes, Field field)
{
	const size_t word = field.bit / 32 * 4;
	if (word + (field.width > 32 ? 8 : 4) > bytes.size())
		return 0;
	if (field.width > 32)
		return uint64_t(load32(&bytes[word])) << 32 | load32(&bytes[word + 4]);
	const uint32_t mask = field.width == 32 ? ~0u : (1u << field.width) - 1;
	return load32(&bytes[word]) >> (32 - field.width - field.bit % 32) & mask;
}

inline void set(MutableBytes bytes, Field field, uint64_t value)
{
	const size_t word = field.bit / 32 * 4;
	if (word + (field.width > 32 ? 8 : 4) > bytes.size())
		return;
	if (field.width > 32) {
		store32(&bytes[word], static_cast<uint32_t>(value >> 32));
		store32(&bytes[word + 4], static_cast<uint32_t>(value));
		return;
	}
	const unsigned shift = 32 - field.width - field.bit % 32;
	const uint32_t mask = (field.width == 32 ? ~0u : (1u << field.width) - 1) << shift;
	store32(&bytes[word], (load32(&bytes[word]) & ~mask) | (static_cast<uint32_t>(value << shift) & mask));
}

/* From byte `from` on, as long as there are bytes; never beyond the end. */
inline Bytes tail(Bytes bytes, size_t from)
{
	return from < bytes.size() ? bytes.subspan(from) : Bytes();
}

inline MutableBytes tail(MutableBytes bytes, size_t from)
{
	return from < bytes.size() ? bytes.subspan(from) : MutableBytes();
}

} // namespace decouple::hca

#endif
