// Atomics on global memory. Threads run in turn and one launch at a time, so plain reads and writes
// are atomic. The types are those that CUDA has.
#ifndef LOSSMITH_SIMT_ATOMICS_H_
#define LOSSMITH_SIMT_ATOMICS_H_

#define LOSSMITH_SIMT_ATOMIC(name, type, expression)    \
  inline type atomic##name(type* address, type value) { \
    const type old = *address;                          \
    *address = static_cast<type>(expression);           \
    return old;                                         \
  }

LOSSMITH_SIMT_ATOMIC(Add, int, static_cast<unsigned>(old) + static_cast<unsigned>(value))
LOSSMITH_SIMT_ATOMIC(Add, unsigned, old + value)
LOSSMITH_SIMT_ATOMIC(Add, unsigned long long, old + value)
LOSSMITH_SIMT_ATOMIC(Add, float, old + value)
LOSSMITH_SIMT_ATOMIC(Add, double, old + value)
LOSSMITH_SIMT_ATOMIC(Sub, int, static_cast<unsigned>(old) - static_cast<unsigned>(value))
LOSSMITH_SIMT_ATOMIC(Sub, unsigned, old - value)

LOSSMITH_SIMT_ATOMIC(Exch, int, value)
LOSSMITH_SIMT_ATOMIC(Exch, unsigned, value)
LOSSMITH_SIMT_ATOMIC(Exch, unsigned long long, value)
LOSSMITH_SIMT_ATOMIC(Exch, float, value)

#define LOSSMITH_SIMT_INTEGER_ATOMIC(name, expression) \
  LOSSMITH_SIMT_ATOMIC(name, int, expression)          \
  LOSSMITH_SIMT_ATOMIC(name, unsigned, expression)     \
  LOSSMITH_SIMT_ATOMIC(name, unsigned long long, expression)
LOSSMITH_SIMT_INTEGER_ATOMIC(Max, old > value ? old : value)
LOSSMITH_SIMT_INTEGER_ATOMIC(Min, old < value ? old : value)
LOSSMITH_SIMT_INTEGER_ATOMIC(And, old& value)
LOSSMITH_SIMT_INTEGER_ATOMIC(Or, old | value)
LOSSMITH_SIMT_INTEGER_ATOMIC(Xor, old ^ value)
LOSSMITH_SIMT_ATOMIC(Max, long long, old > value ? old : value)
LOSSMITH_SIMT_ATOMIC(Min, long long, old < value ? old : value)

LOSSMITH_SIMT_ATOMIC(Inc, unsigned, old >= value ? 0 : old + 1)
LOSSMITH_SIMT_ATOMIC(Dec, unsigned, old == 0 || old > value ? value : old - 1)

#undef LOSSMITH_SIMT_INTEGER_ATOMIC
#undef LOSSMITH_SIMT_ATOMIC

#define LOSSMITH_SIMT_CAS(type)                                    \
  inline type atomicCAS(type* address, type compare, type value) { \
    const type old = *address;                                     \
    if (old == compare) *address = value;                          \
    return old;                                                    \
  }
LOSSMITH_SIMT_CAS(int)
LOSSMITH_SIMT_CAS(unsigned)
LOSSMITH_SIMT_CAS(unsigned long long)
LOSSMITH_SIMT_CAS(unsigned short)
#undef LOSSMITH_SIMT_CAS

#endif  // LOSSMITH_SIMT_ATOMICS_H_
