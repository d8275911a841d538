// SPDX-License-Identifier: GPL-2.0-only
// Memory, vector and integer work.

#include "kernels.h"

#include <immintrin.h>
#include <sys/mman.h>

#include <bit>
#include <cerrno>
#include <cstring>

namespace decouple::bench
{

namespace
{

constexpr unsigned size = dgemm_size;
double *a, *b, *c; // page-aligned, so that every row is aligned for the widest vectors

// Two rows of C and four vectors of columns at a time: eight chains of FMA hide its latency.
__attribute__((target("avx512f"))) void dgemm_avx512()
{
	static_assert(size % 32 == 0);
	for (unsigned i = 0; i < size; i += 2)
		for (unsigned j = 0; j < size; j += 32) {
			__m512d sum[2][4];
			for (auto &row : sum)
				for (__m512d &vector : row)
					vector = _mm512_setzero_pd();
			for (unsigned k = 0; k < size; k++) {
				const double *from = b + k * size + j;
				for (unsigned row = 0; row < 2; row++) {
					__m512d left = _mm512_set1_pd(a[(i + row) * size + k]);
#pragma GCC unroll 4
					for (unsigned v = 0; v < 4; v++)
						sum[row][v] = _mm512_fmadd_pd(left, _mm512_load_pd(from + 8 * v), sum[row][v]);
				}
			}
			for (unsigned row = 0; row < 2; row++)
				for (unsigned v = 0; v < 4; v++)
					_mm512_store_pd(c + (i + row) * size + j + 8 * v, sum[row][v]);
		}
}

__attribute__((target("avx2,fma"))) void dgemm_avx2()
{
	static_assert(size % 16 == 0);
	for (unsigned i = 0; i < size; i += 2)
		for (unsigned j = 0; j < size; j += 16) {
			__m256d sum[2][4];
			for (auto &row : sum)
				for (__m256d &vector : row)
					vector = _mm256_setzero_pd();
			for (unsigned k = 0; k < size; k++) {
				const double *from = b + k * size + j;
				for (unsigned row = 0; row < 2; row++) {
					__m256d left = _mm256_set1_pd(a[(i + row) * size + k]);
#pragma GCC unroll 4
					for (unsigned v = 0; v < 4; v++)
						sum[row][v] = _mm256_fmadd_pd(left, _mm256_load_pd(from + 4 * v), sum[row][v]);
				}
			}
			for (unsigned row = 0; row < 2; row++)
				for (unsigned v = 0; v < 4; v++)
					_mm256_store_pd(c + (i + row) * size + j + 4 * v, sum[row][v]);
		}
}

} // namespace

void fill_random(char *memory)
{
	uint64_t x = 0x9e3779b97f4a7c15;
	for (size_t i = 0; i < random_bytes; i += sizeof x) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		std::memcpy(memory + i, &x, sizeof x);
	}
}

uint64_t random_block(const char *memory, uint64_t k)
{
	uint64_t x = 88172645463325252 + k * 0x9e3779b97f4a7c15, sum = 0;
	for (unsigned i = 0; i < random_accesses; i++) {
		uint64_t loaded;
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		std::memcpy(&loaded, memory + ((x + sum) & (random_bytes - 1) & ~size_t(7)), sizeof loaded);
		sum += loaded;
	}
	return sum;
}

Vectors best_vectors()
{
	__builtin_cpu_init();
	if (__builtin_cpu_supports("avx512f"))
		return Vectors::avx512;
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? Vectors::avx2 : Vectors::none;
}

int prepare_dgemm()
{
	constexpr size_t elements = size_t(size) * size;
	void *memory = mmap(nullptr, 3 * elements * sizeof(double), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return -errno;
	a = static_cast<double *>(memory);
	b = a + elements;
	c = b + elements;
	for (unsigned i = 0; i < elements; i++) {
		a[i] = double(i % 7) + 0.25;
		b[i] = double(i % 5) - 0.5;
	}
	return 0;
}

uint64_t dgemm_block(Vectors vectors)
{
	if (vectors == Vectors::avx512)
		dgemm_avx512();
	else
		dgemm_avx2();
	double sum = 0;
	for (unsigned i = 0; i < size * size; i++)
		sum += c[i];
	return std::bit_cast<uint64_t>(sum);
}

uint64_t hash_block(uint64_t k)
{
	uint64_t hash = 14695981039346656037ull + k;
	for (unsigned i = 0; i < hash_steps; i++)
		hash = (hash ^ i) * 1099511628211ull;
	return hash;
}

} // namespace decouple::bench
