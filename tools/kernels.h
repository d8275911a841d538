/* SPDX-License-Identifier: GPL-2.0-only */
/* The work of the compute bench: blocks of fixed work, each with a result that must be the same every time. */
#ifndef DECOUPLE_TOOLS_KERNELS_H
#define DECOUPLE_TOOLS_KERNELS_H

#include <cstddef>
#include <cstdint>

namespace decouple::bench {

constexpr size_t random_bytes = 64 << 20;
constexpr unsigned random_accesses = 20000, dgemm_size = 192, hash_steps = 400000;

/* Loads that each depend on the one before, over random_bytes of `memory`, filled by fill_random(). */
void fill_random(char *memory);
uint64_t random_block(const char *memory);

/* C = A B in doubles, dgemm_size square; the result is the sum over C. The vector width is chosen by CPUID. */
enum class Vectors { none, avx2, avx512 };
Vectors best_vectors();
uint64_t dgemm_block(Vectors vectors);

uint64_t hash_block();

} // namespace decouple::bench

#endif
