// The three matrix products that the engines need, row-major with leading dimensions.
#ifndef LOSSMITH_ENGINE_PRODUCT_H_
#define LOSSMITH_ENGINE_PRODUCT_H_

#include <cstdint>

namespace lossmith {

// C[m,n] = A B, or C += A B.
enum class Product : std::uint8_t {
  nt,  // A[m,k], B[n,k] used transposed
  nn,  // A[m,k], B[k,n]
  tn   // A[k,m] used transposed, B[k,n]
};

}  // namespace lossmith

#endif  // LOSSMITH_ENGINE_PRODUCT_H_
