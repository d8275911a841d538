// SPDX-License-Identifier: GPL-2.0-only
/* DECOUPLE_GET_VERSION tells the version of this tree's header and of sysfs, and leaves nothing of the caller's or the kernel's bytes. */
#include "calls.h"

int main(void)
{
	struct decouple_version version;
	char text[64];
	int device = open_device();
	int file = (int)MUST(open(DECOUPLE_SYSFS "/version", O_RDONLY));
	long length = MUST(read(file, text, sizeof(text)));
	size_t end;

	REQUIRE(length > 1 && length < (long)sizeof(text) && text[length - 1] == '\n');
	text[length - 1] = 0;

	memset(&version, 0, sizeof(version));
	version.abi = 0x55555555;
	version.features = 0x5555555555555555;
	memset(version.module, 0x55, sizeof(version.module));
	MUST(ioctl(device, DECOUPLE_GET_VERSION, &version));
	REQUIRE(version.abi == DECOUPLE_ABI_VERSION);
	REQUIRE(version.reserved0 == 0);
	end = strnlen(version.module, sizeof(version.module));
	REQUIRE(end < sizeof(version.module));
	REQUIRE(!strcmp(version.module, text));
	while (end < sizeof(version.module))
		REQUIRE(version.module[end++] == 0);
	for (size_t i = 0; i < ARRAY_SIZE(version.reserved); i++)
		REQUIRE(version.reserved[i] == 0);
	REQUIRE(version.features != 0x5555555555555555);
	printf("version %s, ABI %u\n", version.module, version.abi);
	return 0;
}
