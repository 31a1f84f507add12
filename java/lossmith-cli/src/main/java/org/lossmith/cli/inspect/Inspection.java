package org.lossmith.cli.inspect;

import ai.onnx.proto.OnnxMl.TensorProto;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.lossmith.DType;
import org.lossmith.Tensor;
import org.lossmith.cli.inspect.InspectReport.TensorFacts;
import org.lossmith.cli.onnx.OnnxModel;
import org.lossmith.cli.onnx.OnnxRewriter;
import org.lossmith.cli.onnx.OnnxType;
import org.lossmith.cli.quantize.ModelFormat;
import org.lossmith.cli.safetensors.SafetensorsEntry;
import org.lossmith.cli.safetensors.SafetensorsModel;

/** Looks into model files. */
final class Inspection {
  private static final List<DType> FLOATING = List.of(DType.F32, DType.F16, DType.BF16, DType.F64);

  private Inspection() {}

  /** Looks into a file; reads elements only if statistics are wanted. */
  static InspectReport of(Path file, boolean statistics) {
    return ModelFormat.of(file) == ModelFormat.ONNX
        ? onnx(file, statistics)
        : safetensors(file, statistics);
  }

  private static InspectReport safetensors(Path file, boolean statistics) {
    try (SafetensorsModel model = SafetensorsModel.open(file)) {
      List<TensorFacts> tensors = new ArrayList<>();
      long elements = 0;
      long bytes = 0;
      for (SafetensorsModel.Part part : model.parts()) {
        SafetensorsEntry entry = part.entry();
        TensorStatistics found = null;
        if (statistics && isFloating(entry)) {
          try (Tensor tensor = part.file().tensor(entry)) {
            found = TensorStatistics.of(tensor);
          }
        }
        String use = model.paths().size() > 1 ? part.file().path().getFileName().toString() : "";
        tensors.add(facts(entry.name(), entry.dtype(), entry.shape(), entry.bytes(), use, found));
        elements += entry.elements();
        bytes += entry.bytes();
      }
      return new InspectReport(
          file.toString(), "safetensors", model.metadata(), tensors, elements, bytes);
    }
  }

  private static boolean isFloating(SafetensorsEntry entry) {
    return entry.type() != null && FLOATING.contains(entry.type());
  }

  private static InspectReport onnx(Path file, boolean statistics) {
    OnnxModel model = OnnxModel.read(file);
    Map<String, String> uses = new HashMap<>();
    OnnxRewriter.weights(model).forEach(w -> uses.put(w.name(), w.operator()));
    List<TensorFacts> tensors = new ArrayList<>();
    long elements = 0;
    long bytes = 0;
    for (TensorProto tensor : model.constants()) {
      OnnxType type = model.data().type(tensor);
      TensorStatistics found = null;
      if (statistics && type.isFloating()) {
        try (Tensor values = model.data().floats(tensor)) {
          found = TensorStatistics.of(values);
        }
      }
      long[] shape = tensor.getDimsList().stream().mapToLong(Long::longValue).toArray();
      long size = model.data().bytes(tensor);
      tensors.add(
          facts(
              tensor.getName(),
              type.toString(),
              shape,
              size,
              uses.getOrDefault(tensor.getName(), ""),
              found));
      elements += model.data().elements(tensor);
      bytes += size;
    }
    return new InspectReport(file.toString(), "onnx", facts(model), tensors, elements, bytes);
  }

  private static Map<String, String> facts(OnnxModel model) {
    Map<String, String> facts = new LinkedHashMap<>();
    facts.put("ir_version", Long.toString(model.proto().getIrVersion()));
    facts.put("opset", Long.toString(model.opset()));
    facts.put("producer", model.proto().getProducerName());
    facts.put("nodes", Integer.toString(model.proto().getGraph().getNodeCount()));
    model.proto().getMetadataPropsList().forEach(p -> facts.put(p.getKey(), p.getValue()));
    return facts;
  }

  private static TensorFacts facts(
      String name, String dtype, long[] shape, long bytes, String use, TensorStatistics found) {
    return found == null
        ? new TensorFacts(name, dtype, shape, bytes, use, null, null, null, null)
        : new TensorFacts(
            name,
            dtype,
            shape,
            bytes,
            use,
            found.minimum(),
            found.maximum(),
            found.mean(),
            found.notFinite());
  }
}
