// SPDX-License-Identifier: GPL-2.0-only
/* Calls that don't exist give ENOTTY: other numbers, types, directions and sizes, each next to the calls that do exist. */
#include "calls.h"

static char argument[MAX_CALL_SIZE * 2];

static bool exists(unsigned int cmd)
{
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		if (calls[i].cmd == cmd)
			return true;
	return false;
}

static unsigned int tried;

static void try(int fd, unsigned int cmd)
{
	if (exists(cmd))
		return;
	memset(argument, 0, sizeof(argument));
	expect_error("a call that doesn't exist", cmd, error_of(fd, cmd, argument), ENOTTY);
	tried++;
}

int main(void)
{
	int fd = open_device();

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		unsigned int cmd = calls[i].cmd, size = _IOC_SIZE(cmd);

		for (unsigned int nr = 0; nr < 256; nr++)
			for (unsigned int dir = 0; dir < 4; dir++)
				try(fd, _IOC(dir, DECOUPLE_IOCTL_TYPE, nr, size));
		for (unsigned int dir = 0; dir < 4; dir++)
			try(fd, _IOC(dir, DECOUPLE_IOCTL_TYPE, _IOC_NR(cmd), size));
		for (unsigned int other = 0; other < MAX_CALL_SIZE; other++)
			try(fd, _IOC(_IOC_DIR(cmd), DECOUPLE_IOCTL_TYPE, _IOC_NR(cmd), other));
		for (unsigned int type = 0; type < 256; type++)
			if (type != DECOUPLE_IOCTL_TYPE && type != 'T' && type != 'f' && type != 'X')
				try(fd, _IOC(_IOC_DIR(cmd), type, _IOC_NR(cmd), size));
	}
	REQUIRE(tried > 4000);
	printf("%u calls that don't exist\n", tried);
	return 0;
}
