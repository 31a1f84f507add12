package org.lossmith.cli.inspect;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.List;
import java.util.Map;

/**
 * What a model file holds.
 *
 * @param file the file
 * @param format "onnx" or "safetensors"
 * @param facts what the format says about the model
 * @param tensors the tensors
 * @param elements the elements of all of them
 * @param bytes the bytes of all of them
 */
record InspectReport(
    String file,
    String format,
    Map<String, String> facts,
    List<TensorFacts> tensors,
    long elements,
    long bytes) {

  /**
   * A tensor.
   *
   * @param name its name
   * @param dtype its element type as the format spells it
   * @param shape its extents
   * @param bytes what it takes
   * @param use the operator that multiplies with it, the file that it is in, or nothing
   * @param minimum the least element; absent unless asked for
   * @param maximum the largest element
   * @param mean the mean of the elements
   * @param notFinite how many elements are NaN or infinite; they are left out of the others
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  record TensorFacts(
      String name,
      String dtype,
      long[] shape,
      long bytes,
      String use,
      Double minimum,
      Double maximum,
      Double mean,
      Long notFinite) {}
}
