/* SPDX-License-Identifier: GPL-2.0-only */
/* Entry of `decouple bench`, for the command table of the CLI. */
#ifndef DECOUPLE_TOOLS_BENCH_H
#define DECOUPLE_TOOLS_BENCH_H

/* argv[0] is "bench". Returns the exit code: 0 ok, 1 failed, 2 usage, 4 not available here. */
int decouple_bench_main(int argc, char **argv);

#endif
