// Compiled once per instruction set; LSM_ISA names it.
#include "cpu/kernels/label_tile-inl.h"
#include "cpu/kernels/vector.h"

namespace lossmith {
namespace LSM_ISA {

using LabelTileF32 = LabelTile<WideF32, TailF32>;

extern const LabelTileKernels label_tile_kernels;
const LabelTileKernels label_tile_kernels = {
    LabelTileF32::sums,         LabelTileF32::top_k,    LabelTileF32::near_by,
    LabelTileF32::coefficients, LabelTileF32::score_at, LabelTileF32::largest,
};

}  // namespace LSM_ISA
}  // namespace lossmith
