#include "lossmith/device.h"

#include "core/status.h"
#include "engine/backend.h"

using lossmith::guard;
using lossmith::reject;

extern "C" int32_t lsm_device_count(int32_t type) { return lossmith::device_count(type); }

extern "C" lsm_status lsm_device_describe(int32_t type, int32_t id, lsm_device_facts* facts) {
  return guard([&] {
    const lsm_device device{type, id};
    const lossmith::Backend& backend = lossmith::backend_of(device);
    if (facts == nullptr) reject("facts", "a place for the result", "NULL");
    *facts = backend.device_facts(device);
  });
}

extern "C" lsm_status lsm_device_synchronize(int32_t type, int32_t id) {
  return guard([&] {
    const lsm_device device{type, id};
    lossmith::backend_of(device).synchronize_device(device);
  });
}
