package org.lossmith.cli.safetensors;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.lossmith.Context;
import org.lossmith.DType;
import org.lossmith.PowerMatrix;
import org.lossmith.PowerParameters;
import org.lossmith.Tensor;
import org.lossmith.cli.FailureException;
import org.lossmith.cli.Json;
import org.lossmith.cli.files.TensorBytes;

/** Reads the tensors that {@code quantize} wrote as codes ({@link QuantizedFormat}). */
public final class QuantizedSafetensors implements AutoCloseable {
  private final SafetensorsFile file;
  private final Map<String, QuantizedFormat> formats = new LinkedHashMap<>();
  private final Map<String, SafetensorsEntry> entries = new HashMap<>();

  private QuantizedSafetensors(SafetensorsFile file) {
    this.file = file;
    file.entries().forEach(entry -> entries.put(entry.name(), entry));
  }

  /**
   * Opens a file.
   *
   * @throws FailureException if it is damaged, or has no tensors as codes
   */
  public static QuantizedSafetensors open(Path path) {
    SafetensorsFile file = SafetensorsFile.open(path);
    try {
      String note = file.metadata().get(QuantizedFormat.KEY);
      if (note == null) {
        throw new FailureException(
            path + ": expected metadata with " + QuantizedFormat.KEY + ", got none");
      }
      QuantizedSafetensors quantized = new QuantizedSafetensors(file);
      JsonNode tensors = Json.read(note);
      tensors
          .properties()
          .forEach(p -> quantized.formats.put(p.getKey(), QuantizedFormat.of(p.getValue())));
      return quantized;
    } catch (RuntimeException e) {
      file.close();
      throw e;
    }
  }

  /** The tensors that are there as codes. */
  public Set<String> names() {
    return formats.keySet();
  }

  /** How a tensor lies in the file. */
  public QuantizedFormat format(String name) {
    QuantizedFormat format = formats.get(name);
    if (format == null) {
      throw new IllegalArgumentException("name: expected one of " + names() + ", got " + name);
    }
    return format;
  }

  /**
   * The values of a tensor.
   *
   * @return of the shape and type that it had before; the caller closes it
   */
  public Tensor values(Context context, String name) {
    QuantizedFormat format = format(name);
    Tensor values = Tensor.zeros(SafetensorsTypes.type(format.dtype()), format.shape());
    try (Tensor codes = part(name, QuantizedFormat.CODES);
        PowerParameters parameters = parameters(name);
        Tensor rows = TensorBytes.view(values, codes.size(0), values.elements() / codes.size(0))) {
      format.quantizer().dequantizePacked(context, codes, parameters, rows);
      return values;
    } catch (RuntimeException | Error e) {
      values.close();
      throw e;
    }
  }

  /**
   * The codes of a tensor, for products.
   *
   * @return a matrix whose rows are the first extent; the caller closes it
   * @throws IllegalArgumentException if the grid is asymmetric
   */
  public PowerMatrix matrix(String name) {
    QuantizedFormat format = format(name);
    long elements = 1;
    for (long extent : format.shape()) {
      elements *= extent;
    }
    Tensor codes = part(name, QuantizedFormat.CODES);
    PowerParameters parameters = null;
    try {
      parameters = parameters(name);
      return PowerMatrix.ofCodes(format.quantizer(), codes, elements / codes.size(0), parameters);
    } catch (RuntimeException | Error e) {
      codes.close();
      if (parameters != null) {
        parameters.close();
      }
      throw e;
    }
  }

  private PowerParameters parameters(String name) {
    Tensor scale = part(name, QuantizedFormat.SCALE);
    Tensor exponent = null;
    try {
      exponent = part(name, QuantizedFormat.EXPONENT);
      boolean shifted = entries.containsKey(name + QuantizedFormat.SHIFT);
      return new PowerParameters(
          scale, exponent, shifted ? part(name, QuantizedFormat.SHIFT) : null);
    } catch (RuntimeException | Error e) {
      scale.close();
      if (exponent != null) {
        exponent.close();
      }
      throw e;
    }
  }

  private Tensor part(String name, String ending) {
    SafetensorsEntry entry = entries.get(name + ending);
    DType wanted = ending.equals(QuantizedFormat.CODES) ? DType.U8 : DType.F32;
    if (entry == null || entry.type() != wanted) {
      throw new FailureException(
          String.format(
              "%s: expected tensor '%s' of %s, got %s",
              file.path(), name + ending, wanted, entry == null ? "none" : entry.dtype()));
    }
    return file.tensor(entry);
  }

  @Override
  public void close() {
    file.close();
  }
}
