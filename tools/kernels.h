/* SPDX-License-Identifier: GPL-2.0-only */
/* The work of the compute bench: blocks of fixed work. Block k of a kernel gives the same result every time. */
#ifndef DECOUPLE_TOOLS_KERNELS_H
#define DECOUPLE_TOOLS_KERNELS_H

#include <cstddef>
#include <cstdint>

namespace decouple::bench
{

constexpr size_t random_bytes = 64 << 20;
constexpr unsigned random_accesses = 20000, dgemm_size = 192, hash_steps = 400000;

/* Loads that each depend on the one before, over random_bytes of `memory`, filled by fill_random(). Another path for each k. */
void fill_random(char *memory);
uint64_t random_block(const char *memory, uint64_t k);

/* C = A B in doubles, dgemm_size square; the result is the sum over C. The vector width is chosen by CPUID. */
enum class Vectors { none, avx2, avx512 };
Vectors best_vectors();
/* Maps the matrices so that forks share them, and fills A and B. 0 or -errno; once, before dgemm_block(). */
int prepare_dgemm();
uint64_t dgemm_block(Vectors vectors);

uint64_t hash_block(uint64_t k);

} // namespace decouple::bench

#endif
