// The instruction sets that kernels are compiled for, and the choice made at run time.
#ifndef LOSSMITH_CPU_ISA_H_
#define LOSSMITH_CPU_ISA_H_

#include "cpu/kernels/contrastive_tile.h"
#include "cpu/kernels/elements.h"
#include "cpu/kernels/label_tile.h"
#include "cpu/kernels/power.h"
#include "cpu/kernels/power_integer.h"
#include "cpu/kernels/power_product.h"
#include "cpu/kernels/power_search.h"
#include "cpu/kernels/rows.h"
#include "cpu/kernels/select.h"
#include "cpu/kernels/update.h"

namespace lossmith {

struct Kernels {
  const char* isa;
  const UpdateKernels* update;
  const ContrastiveTileKernels* contrastive;
  const RowKernels* rows;
  const LabelTileKernels* labels;
  const SelectKernels* select;
  const ElementKernels* elements;
  const PowerKernels<float>* power;
  const PowerSearchKernels* power_search;
  const PowerProductKernels* power_product;
  const PowerIntegerKernels* power_integer;
};

// The best set that this machine runs; LOSSMITH_ISA=baseline|avx2|avx512 lowers it (read once),
// which is for tests and for measuring.
const Kernels& kernels();

}  // namespace lossmith

#endif  // LOSSMITH_CPU_ISA_H_
