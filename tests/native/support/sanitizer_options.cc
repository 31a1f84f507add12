// Defaults for the sanitizers, read by their run-time library at start.

// Tests ask for tensors that no machine can hold and expect a status, not an abort.
extern "C" const char* __asan_default_options() { return "allocator_may_return_null=1"; }

extern "C" const char* __ubsan_default_options() { return "print_stacktrace=1"; }
