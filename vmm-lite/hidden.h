/* SPDX-License-Identifier: GPL-2.0-only */
/* Included first in every file of the image: all symbols are the image's own, so that no address goes through a table. */
#pragma GCC visibility push(hidden)
