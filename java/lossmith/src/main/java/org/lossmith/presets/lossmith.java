package org.lossmith.presets;

import org.bytedeco.javacpp.ClassProperties;
import org.bytedeco.javacpp.LoadEnabled;
import org.bytedeco.javacpp.annotation.NoException;
import org.bytedeco.javacpp.annotation.Platform;
import org.bytedeco.javacpp.annotation.Properties;
import org.bytedeco.javacpp.tools.Info;
import org.bytedeco.javacpp.tools.InfoMap;
import org.bytedeco.javacpp.tools.InfoMapper;

/**
 * Tells JavaCPP how to map the C ABI. Handles of contexts and tensors become plain longs, so that a
 * call allocates no Java object for them.
 *
 * <p>Natives are looked for in {@code linux-x86_64-gpu} first (CPU and CUDA), then in {@code
 * linux-x86_64} (CPU).
 */
@Properties(
    inherit = org.bytedeco.javacpp.presets.javacpp.class,
    value = {
      @Platform(
          include = {
            "lossmith/base.h",
            "lossmith/device.h",
            "lossmith/context.h",
            "lossmith/tensor.h",
            "lossmith/contrastive.h",
            "lossmith/contrastive_sharded.h",
            "lossmith/update.h",
            "lossmith/labels.h",
            "lossmith/retrieval.h",
            "lossmith/soft_top_k.h",
            "lossmith/groups.h",
            "lossmith/power.h",
            "lossmith/power_search.h",
            "lossmith/power_product.h",
            "lossmith/dense.h"
          },
          link = "lossmith@.0",
          preload = {"gomp@.1", "dnnl@.3"},
          preloadresource = "/org/bytedeco/dnnl/"),
      @Platform(value = "linux-x86_64"),
      @Platform(value = "linux-x86_64", extension = lossmith.GPU)
    },
    target = "org.lossmith.internal",
    global = "org.lossmith.internal.LossmithNative")
@NoException
public class lossmith implements InfoMapper, LoadEnabled {
  /** What the classifier of the natives with CUDA adds to that of the platform. */
  public static final String GPU = "-gpu";

  private static volatile boolean withoutGpu;

  /** From now on only the natives for the CPU are looked for; other presets do not notice. */
  public static void leaveOutGpu() {
    withoutGpu = true;
  }

  @Override
  public void init(ClassProperties properties) {
    if (withoutGpu) {
      properties.get("platform.extension").clear();
    }
  }

  @Override
  public void map(InfoMap infoMap) {
    infoMap
        .put(
            new Info(
                    "LSM_API",
                    "LOSSMITH_BASE_H_",
                    "LOSSMITH_DEVICE_H_",
                    "LOSSMITH_CONTEXT_H_",
                    "LOSSMITH_TENSOR_H_",
                    "LOSSMITH_CONTRASTIVE_H_",
                    "LOSSMITH_CONTRASTIVE_SHARDED_H_",
                    "LOSSMITH_UPDATE_H_",
                    "LOSSMITH_LABELS_H_",
                    "LOSSMITH_RETRIEVAL_H_",
                    "LOSSMITH_SOFT_TOP_K_H_",
                    "LOSSMITH_GROUPS_H_",
                    "LOSSMITH_POWER_H_",
                    "LOSSMITH_POWER_SEARCH_H_",
                    "LOSSMITH_POWER_PRODUCT_H_",
                    "LOSSMITH_DENSE_H_")
                .cppTypes()
                .annotations()
                .cppText(""))
        .put(
            new Info("lsm_context", "lsm_input", "lsm_output")
                .cast()
                .valueTypes("long")
                .pointerTypes("LongPointer", "LongBuffer", "long[]"))
        .put(new Info("lsm_context_s").skip())
        .put(new Info("lsm_device").pointerTypes("NativeDevice"))
        .put(new Info("lsm_device_facts").pointerTypes("NativeDeviceFacts"))
        .put(new Info("lsm_memory_pool").pointerTypes("NativeMemoryPool"))
        .put(new Info("lsm_dtype").pointerTypes("NativeDType"))
        .put(new Info("lsm_tensor").pointerTypes("NativeTensor"))
        .put(new Info("lsm_context_options").pointerTypes("ContextOptions"))
        .put(new Info("lsm_contrastive_options").pointerTypes("ContrastiveOptions"))
        .put(new Info("lsm_contrastive_plan").pointerTypes("NativePlan"))
        .put(new Info("lsm_shard").pointerTypes("NativeShard"))
        .put(new Info("lsm_soft_top_k_options").pointerTypes("SoftTopKOptions"))
        .put(new Info("lsm_top_k_options").pointerTypes("TopKOptions"))
        .put(new Info("lsm_update_options").pointerTypes("UpdateOptions"))
        .put(new Info("lsm_label_options").pointerTypes("LabelOptions"))
        .put(new Info("lsm_groups").pointerTypes("NativeGroups"))
        .put(new Info("lsm_power_options").pointerTypes("PowerOptions"))
        .put(new Info("lsm_power_search_options").pointerTypes("PowerSearchOptions"))
        .put(new Info("lsm_power_integer_options").pointerTypes("PowerIntegerOptions"))
        .put(new Info("lsm_multiply_options").pointerTypes("MultiplyOptions"))
        .put(new Info("lsm_last_error").javaText("public static native String lsm_last_error();"))
        .put(new Info("lsm_version").javaText("public static native String lsm_version();"))
        .put(new Info("lsm_describe").javaText("public static native String lsm_describe();"));
  }
}
