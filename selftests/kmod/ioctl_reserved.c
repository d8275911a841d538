// SPDX-License-Identifier: GPL-2.0-only
/* Any bit of a reserved field gives EINVAL in every call, and the structure is left as it was. */
#include "calls.h"

int main(void)
{
	int fd = open_device();
	unsigned int bits = 0;

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		const struct call *call = &calls[i];

		for (const struct reserved_field *field = call->reserved; field->size; field++) {
			for (size_t bit = 0; bit < field->size * 8; bit++) {
				unsigned char argument[MAX_CALL_SIZE] = {0}, before[MAX_CALL_SIZE];

				argument[field->offset + bit / 8] = (unsigned char)(1 << bit % 8);
				memcpy(before, argument, sizeof(before));
				expect_error(call->name, call->cmd, error_of(fd, call->cmd, argument), EINVAL);
				REQUIRE(!memcmp(before, argument, sizeof(before)));
				bits++;
			}
		}
	}
	REQUIRE(bits >= 8 * (sizeof(__u32) + sizeof(((struct decouple_version *)0)->reserved)));
	printf("%u reserved bits\n", bits);
	return 0;
}
