#include "lossmith/base.h"

#include <dnnl.h>

#include <cstdio>
#include <string>

#include "cpu/gemm.h"
#include "cpu/isa.h"

namespace {

std::string describe() {
  const dnnl_version_t* dnnl = dnnl_version();
  char text[1024];
  std::snprintf(
      text, sizeof text,
      "{\"version\":\"%s\",\"backends\":[{\"name\":\"cpu\",\"available\":true,\"isa\":\"%s\","
      "\"bf16_products\":%s},{\"name\":\"cuda\",\"available\":false,\"reason\":\"this build holds "
      "the CPU backend only\"}],\"devices\":[{\"type\":\"cpu\",\"index\":0}],"
      "\"libraries\":[{\"name\":\"oneDNN\",\"version\":\"%d.%d.%d\",\"found\":true}]}",
      LOSSMITH_VERSION, lossmith::kernels().isa, lossmith::bf16_products() ? "true" : "false",
      dnnl->major, dnnl->minor, dnnl->patch);
  return text;
}

}  // namespace

extern "C" const char* lsm_version(void) { return LOSSMITH_VERSION; }

extern "C" const char* lsm_describe(void) {
  static const std::string text = describe();
  return text.c_str();
}
