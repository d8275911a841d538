// SPDX-License-Identifier: GPL-2.0-only
/* Libraries loaded while decoupled: their code runs, their data is relocated, and they can be unloaded. */
#include "testlib.h"

#include <dlfcn.h>

int main(void)
{
	test_start();
	for (int i = 0; i < 5; i++) {
		void *library = dlopen("libBrokenLocale.so.1", RTLD_NOW), *other = dlopen("libthread_db.so.1", RTLD_NOW);
		void *math = dlmopen(LM_ID_NEWLM, "libm.so.6", RTLD_NOW);
		printf("loaded: %d %d %d\n", library != NULL, other != NULL, math != NULL);
		if (math) {
			double (*cosine)(double);
			*(void **)&cosine = dlsym(math, "cos");
			printf("cos(1) = %.15f\n", cosine(1));
			dlclose(math);
		}
		if (library)
			dlclose(library);
		if (other)
			dlclose(other);
	}
	printf("missing: %d\n", dlopen("libdoes-not-exist.so", RTLD_NOW) == NULL);
	return test_done();
}
