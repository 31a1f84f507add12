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
  bool pinned = false;          // page-locked host memory
  lsm_device allocator{};       // the device that the memory is from; the view's unless pinned
};

// Where the elements of a new tensor lie.
enum class Memory { foreign, device, pinned };

OwnedTensor* make(Memory memory, int64_t data, const lsm_device& device, uint8_t code, uint8_t bits,
                  int32_t ndim, const int64_t* shape, const int64_t* strides) {
  const lossmith::Backend& backend = lossmith::backend_of(device);
  const bool allocate = memory != Memory::foreign;
  auto owned = std::make_unique<OwnedTensor>();
  lsm_tensor& view = owned->view;
  owned->allocator = device;
  owned->pinned = memory == Memory::pinned;
  view.device = owned->pinned ? lsm_device{LSM_CPU, 0} : device;
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
    view.data = owned->pinned ? backend.allocate_pinned(device, owned->owned_bytes)
                              : backend.allocate(device, owned->owned_bytes);
  } else if (checked.elements() != 0) {
    backend.expect_reachable(device, checked.data);
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
    *tensor =
        &make(Memory::device, 0, {device_type, device_id}, code, bits, ndim, shape, nullptr)->view;
  });
}

extern "C" lsm_status lsm_tensor_create_pinned(int32_t device_id, uint8_t code, uint8_t bits,
                                               int32_t ndim, const int64_t* shape,
                                               lsm_output* tensor) {
  return guard([&] {
    if (tensor == nullptr) reject("tensor", "a place for the handle", "NULL");
    *tensor =
        &make(Memory::pinned, 0, {LSM_CUDA, device_id}, code, bits, ndim, shape, nullptr)->view;
  });
}

extern "C" lsm_status lsm_tensor_wrap(int64_t data, int32_t device_type, int32_t device_id,
                                      uint8_t code, uint8_t bits, int32_t ndim,
                                      const int64_t* shape, const int64_t* strides,
                                      lsm_output* tensor) {
  return guard([&] {
    if (tensor == nullptr) reject("tensor", "a place for the handle", "NULL");
    *tensor =
        &make(Memory::foreign, data, {device_type, device_id}, code, bits, ndim, shape, strides)
             ->view;
  });
}

extern "C" lsm_status lsm_tensor_destroy(lsm_output tensor) {
  return guard([&] {
    if (tensor == nullptr) return;
    OwnedTensor* owned = reinterpret_cast<OwnedTensor*>(tensor);
    if (owned->owned_bytes != 0) {
      const lsm_device& device = owned->allocator;
      const lossmith::Backend& backend = lossmith::backend_of(device);
      if (owned->pinned) {
        backend.release_pinned(device, owned->view.data, owned->owned_bytes);
      } else {
        backend.release(device, owned->view.data, owned->owned_bytes);
      }
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
    const View from = lossmith::reachable_view_of(source, "source", lease->device);
    const View to = lossmith::reachable_view_of(target, "target", lease->device);
    lossmith::expect_copyable(from, to);
    if (from.elements() == 0) return;
    lease->backend.copy(*lease, from, to);
  });
}

extern "C" lsm_status lsm_tensor_item(lsm_context context, lsm_input tensor, double* value) {
  return guard([&] {
    const Lease lease(context);
    const View view = lossmith::reachable_view_of(tensor, "tensor", lease->device);
    lossmith::expect_scalar(view, "tensor");
    if (value == nullptr) reject("value", "a place for the result", "NULL");
    *value = lease->backend.item(*lease, view);
  });
}

extern "C" int64_t lsm_memory_live_bytes(void) { return lossmith::live_bytes(); }
extern "C" int64_t lsm_memory_live_tensors(void) { return lossmith::live_tensors(); }

extern "C" lsm_status lsm_memory_pool_bytes(int32_t device_type, int32_t device_id,
                                            lsm_memory_pool* pool) {
  return guard([&] {
    const lsm_device device{device_type, device_id};
    const lossmith::Backend& backend = lossmith::backend_of(device);
    if (pool == nullptr) reject("pool", "a place for the result", "NULL");
    *pool = backend.memory_pool(device);
  });
}

extern "C" lsm_status lsm_memory_set_limit(int32_t device_type, int32_t device_id, int64_t bytes) {
  return guard([&] {
    const lsm_device device{device_type, device_id};
    const lossmith::Backend& backend = lossmith::backend_of(device);
    if (bytes < 0) reject("bytes", ">= 0", bytes);
    backend.set_memory_limit(device, bytes);
  });
}

extern "C" lsm_status lsm_memory_trim(int32_t device_type, int32_t device_id) {
  return guard([&] {
    const lsm_device device{device_type, device_id};
    lossmith::backend_of(device).trim_memory(device);
  });
}
