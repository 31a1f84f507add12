// Compiled once per instruction set; LSM_ISA names it.
#include "cpu/kernels/contrastive_tile-inl.h"
#include "cpu/kernels/vector.h"

namespace lossmith {
namespace LSM_ISA {

extern const ContrastiveTileKernels contrastive_tile_kernels;
const ContrastiveTileKernels contrastive_tile_kernels = {
    ContrastiveTile<WideF32, TailF32>::statistics,
    ContrastiveTile<WideF32, TailF32>::coefficients,
    ContrastiveTile<WideF32, TailF32>::weighted_sums,
    ContrastiveTile<WideF32, TailF32>::pair_scores,
};

}  // namespace LSM_ISA
}  // namespace lossmith
