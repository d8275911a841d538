// SPDX-License-Identifier: GPL-2.0-only
/* MPI with two ranks or more: ping-pong of growing messages with contents checked, collectives, a shared window, files. */
#include <mpi.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t mixed(uint64_t x)
{
	x ^= x << 13;
	x ^= x >> 7;
	return x ^ x << 17;
}

static void fill(uint64_t *p, int words, uint64_t seed)
{
	for (int i = 0; i < words; i++)
		p[i] = seed = mixed(seed + 1);
}

int main(int argc, char **argv)
{
	enum { largest = 1 << 17 };
	uint64_t *sent = malloc(largest * 8), *got = malloc(largest * 8), *expected = malloc(largest * 8);
	long wrong = 0, all_wrong, sum = 0, total;
	int rank, ranks;

	MPI_Init(&argc, &argv);
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	MPI_Comm_size(MPI_COMM_WORLD, &ranks);
	int partner = rank ^ 1;
	for (int words = 1; words <= largest && partner < ranks; words *= 2) {
		for (int i = 0; i < 20; i++) {
			fill(sent, words, (uint64_t)words * 100 + i + rank);
			fill(expected, words, (uint64_t)words * 100 + i + partner);
			if (rank < partner) {
				MPI_Send(sent, words, MPI_UINT64_T, partner, i, MPI_COMM_WORLD);
				MPI_Recv(got, words, MPI_UINT64_T, partner, i, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
			} else {
				MPI_Recv(got, words, MPI_UINT64_T, partner, i, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
				MPI_Send(sent, words, MPI_UINT64_T, partner, i, MPI_COMM_WORLD);
			}
			wrong += memcmp(got, expected, (size_t)words * 8) != 0;
		}
	}
	for (int i = 0; i < 200; i++) {
		long mine = rank * 1000 + i, reduced;
		MPI_Allreduce(&mine, &reduced, 1, MPI_LONG, MPI_SUM, MPI_COMM_WORLD);
		sum += reduced;
		MPI_Barrier(MPI_COMM_WORLD);
		MPI_Bcast(&sum, 1, MPI_LONG, i % ranks, MPI_COMM_WORLD);
	}
	uint64_t *exposed;
	MPI_Win window;
	MPI_Win_allocate(1024 * 8, 8, MPI_INFO_NULL, MPI_COMM_WORLD, &exposed, &window);
	memset(exposed, 0, 1024 * 8);
	MPI_Win_fence(0, window);
	fill(sent, 1024, (uint64_t)rank + 7);
	MPI_Put(sent, 1024, MPI_UINT64_T, (rank + 1) % ranks, 0, 1024, MPI_UINT64_T, window);
	MPI_Win_fence(0, window);
	fill(expected, 1024, (uint64_t)(rank + ranks - 1) % ranks + 7);
	wrong += memcmp(exposed, expected, 1024 * 8) != 0;
	MPI_Win_free(&window);
	MPI_Reduce(&wrong, &all_wrong, 1, MPI_LONG, MPI_SUM, 0, MPI_COMM_WORLD);
	MPI_Reduce(&sum, &total, 1, MPI_LONG, MPI_SUM, 0, MPI_COMM_WORLD);
	if (rank == 0)
		printf("ranks %d wrong %ld total %ld\n", ranks, all_wrong, total);
	MPI_Finalize();
	return 0;
}
