/* SPDX-License-Identifier: GPL-2.0-only */
/* Entry of `decouple noise`, for the command table of the CLI. */
#ifndef DECOUPLE_TOOLS_NOISE_H
#define DECOUPLE_TOOLS_NOISE_H

/* argv[0] is "noise". Returns the exit code: 0 ok, 1 failed or over budget, 2 usage, 4 not available here. */
int decouple_noise_main(int argc, char **argv);

#endif
