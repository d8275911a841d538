// SPDX-License-Identifier: GPL-2.0-only
// part-of: hush.sh
/* Computes in user mode and does nothing else, until it is killed. Usage: spin */
#include <stdint.h>

int main(void)
{
	for (volatile uint64_t turns = 0;; turns++)
		;
}
