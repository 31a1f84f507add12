#include "lossmith/base.h"

#include <dnnl.h>

#include <string>

#include "engine/backend.h"

namespace {

std::string describe() {
  const dnnl_version_t* dnnl = dnnl_version();
  const std::string version = std::to_string(dnnl->major) + "." + std::to_string(dnnl->minor) +
                              "." + std::to_string(dnnl->patch);
  return std::string("{\"version\":\"") + LOSSMITH_VERSION +
         "\",\"backends\":" + lossmith::describe_backends() +
         ",\"devices\":" + lossmith::describe_devices() +
         ",\"libraries\":[{\"name\":\"oneDNN\",\"version\":\"" + version + "\",\"found\":true}]}";
}

}  // namespace

extern "C" const char* lsm_version(void) { return LOSSMITH_VERSION; }

extern "C" const char* lsm_describe(void) {
  static const std::string text = describe();
  return text.c_str();
}
