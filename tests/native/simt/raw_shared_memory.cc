// Must not compile: shared memory that the executor would not see.
#include "simt/device.h"

void kernel() { __shared__ float row[4]; }
