#include "support/mirror.h"

#include <stdexcept>

#include "support/device.h"

namespace lossmith_test {
namespace {

void Check(lsm_status status) {
  if (status != LSM_OK) throw std::runtime_error(std::string("Mirror: ") + lsm_last_error());
}

// The copies run on a context of their own, since that of the call may be wrong on purpose.
lsm_context CopyContext() {
  static const Context context;
  return context;
}

// Copies the bytes between host memory and a tensor of the device, and waits.
void CopyBytes(const unsigned char* host, size_t bytes, lsm_tensor* device, bool to_device) {
  if (bytes == 0) return;
  const int64_t shape[] = {static_cast<int64_t>(bytes)};
  OwnedTensor view;
  Check(lsm_tensor_wrap(reinterpret_cast<int64_t>(host), LSM_CPU, 0, LSM_UINT, 8, 1, shape, nullptr,
                        view.receive()));
  Check(to_device ? lsm_tensor_copy(CopyContext(), view.get(), device)
                  : lsm_tensor_copy(CopyContext(), device, view.get()));
  Check(lsm_context_synchronize(CopyContext()));
}

}  // namespace

lsm_tensor* Mirror::View(HostTensor* tensor) {
  if (tensor == nullptr || !OnDevice()) return tensor == nullptr ? nullptr : tensor->view();
  return View(*tensor->view(), tensor->memory(), tensor->memory_bytes());
}

lsm_tensor* Mirror::View(const lsm_tensor& host, void* memory, size_t bytes) {
  views_.push_back(host);
  lsm_tensor& view = views_.back();
  if (!OnDevice()) return &view;
  view.device = TestDevice();
  if (host.data == nullptr) return &view;
  const Block& block = BlockOf(memory, bytes);
  const auto offset = static_cast<const unsigned char*>(host.data) - block.host;
  view.data = static_cast<unsigned char*>(block.device.get()->data) + offset;
  return &view;
}

Mirror::Block& Mirror::BlockOf(void* memory, size_t bytes) {
  auto* host = static_cast<unsigned char*>(memory);
  for (Block& block : blocks_) {
    if (block.host == host && block.bytes == bytes) return block;
  }
  blocks_.emplace_back();
  Block& block = blocks_.back();
  block.host = host;
  block.bytes = bytes;
  const int64_t shape[] = {static_cast<int64_t>(bytes)};
  Check(lsm_tensor_create(TestDevice().type, TestDevice().id, LSM_UINT, 8, 1, shape,
                          block.device.receive()));
  CopyBytes(host, bytes, block.device.get(), true);
  return block;
}

void Mirror::Return(lsm_context context) {
  if (blocks_.empty()) return;
  if (context != nullptr) Check(lsm_context_synchronize(context));
  for (Block& block : blocks_) CopyBytes(block.host, block.bytes, block.device.get(), false);
}

}  // namespace lossmith_test
