#include "lossmith/tensor.h"

#include <string>

#include "core/context.h"
#include "core/memory.h"
#include "core/status.h"
#include "core/tensor.h"
#include "engine/backend.h"

using lossmith::guard;
using lossmith::Lease;
using lossmith::reject;
using lossmith::Type;
using lossmith::View;

namespace {

// What lsm_output points to when the library made the view: the view comes first, so that the
// handle is the view.
struct OwnedTensor {
  lsm_tensor view{};
  int64_t shape[lossmith::kMaxDimensions] = {};
  int64_t strides[lossmith::kMaxDimensions] = {};
  std::size_t owned_bytes = 0;  // 0: a view of foreign memory
};

OwnedTensor* make(int64_t data, int32_t device_type, int32_t device_id, uint8_t code, uint8_t bits,
                  int32_t ndim, const int64_t* shape, const int64_t* strides, bool allocate) {
  const lsm_device device{device_type, device_id};
  const lossmith::Backend& backend = lossmith::backend_of(device);
  auto owned = std::make_unique<OwnedTensor>();
  lsm_tensor& view = owned->view;
  view.device = device;
  view.ndim = ndim;
  view.dtype = {code, bits, 1};
  lossmith::type_of(view.dtype, "dtype");
  if (ndim < 0 || ndim > lossmith::kMaxDimensions) reject("ndim", "0 to 8 dimensions", ndim);
  if (ndim > 0 && shape == nullptr) reject("shape", "extents", "NULL");
  for (int i = 0; i < ndim; ++i) owned->shape[i] = shape[i];
  view.shape = owned->shape;
  if (strides != nullptr) {
    for (int i = 0; i < ndim; ++i) owned->strides[i] = strides[i];
    view.strides = owned->strides;
  }
  // A non-null address lets the common check run before memory is taken.
  view.data = allocate ? owned.get() : reinterpret_cast<void*>(data);
  const View checked = lossmith::view_of(&view, "shape", view.device);
  if (view.strides == nullptr) {
    for (int i = 0; i < ndim; ++i) owned->strides[i] = checked.strides[i];
    view.strides = owned->strides;
  }
  if (allocate) {
    owned->owned_bytes = static_cast<std::size_t>(checked.elements()) *
                         static_cast<std::size_t>(lossmith::bytes_of(checked.type));
    view.data = backend.allocate(view.device, owned->owned_bytes);
  }
  lossmith::count_tensor(1);
  return owned.release();
}

}  // namespace

extern "C" lsm_status lsm_tensor_create(int32_t device_type, int32_t device_id, uint8_t code,
                                        uint8_t bits, int32_t ndim, const int64_t* shape,
                                        lsm_output* tensor) {
  return guard([&] {
    if (tensor == nullptr) reject("tensor", "a place for the handle", "NULL");
    *tensor = &make(0, device_type, device_id, code, bits, ndim, shape, nullptr, true)->view;
  });
}

extern "C" lsm_status lsm_tensor_wrap(int64_t data, int32_t device_type, int32_t device_id,
                                      uint8_t code, uint8_t bits, int32_t ndim,
                                      const int64_t* shape, const int64_t* strides,
                                      lsm_output* tensor) {
  return guard([&] {
    if (tensor == nullptr) reject("tensor", "a place for the handle", "NULL");
    *tensor = &make(data, device_type, device_id, code, bits, ndim, shape, strides, false)->view;
  });
}

extern "C" lsm_status lsm_tensor_destroy(lsm_output tensor) {
  return guard([&] {
    if (tensor == nullptr) return;
    OwnedTensor* owned = reinterpret_cast<OwnedTensor*>(tensor);
    if (owned->owned_bytes != 0) {
      const lsm_device& device = owned->view.device;
      lossmith::backend_of(device).release(device, owned->view.data, owned->owned_bytes);
    }
    lossmith::count_tensor(-1);
    delete owned;
  });
}

extern "C" int64_t lsm_tensor_address(lsm_input tensor) {
  if (tensor == nullptr || tensor->data == nullptr) return 0;
  return reinterpret_cast<int64_t>(static_cast<char*>(tensor->data) + tensor->byte_offset);
}

extern "C" lsm_status lsm_tensor_copy(lsm_context context, lsm_input source, lsm_output target) {
  return guard([&] {
    const Lease lease(context);
    const View from = lossmith::view_of(source, "source", lease->device);
    const View to = lossmith::view_of(target, "target", lease->device);
    lease->backend.copy(*lease, from, to);
  });
}

extern "C" lsm_status lsm_tensor_item(lsm_context context, lsm_input tensor, double* value) {
  return guard([&] {
    const Lease lease(context);
    const View view = lossmith::view_of(tensor, "tensor", lease->device);
    lossmith::expect_scalar(view, "tensor");
    if (value == nullptr) reject("value", "a place for the result", "NULL");
    *value = lossmith::element(view, 0);
  });
}

extern "C" int64_t lsm_memory_live_bytes(void) { return lossmith::live_bytes(); }
extern "C" int64_t lsm_memory_live_tensors(void) { return lossmith::live_tensors(); }
